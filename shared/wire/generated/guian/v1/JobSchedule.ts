// Original file: proto/guian/v1/types.proto

import type { JobNeeds as _guian_v1_JobNeeds, JobNeeds__Output as _guian_v1_JobNeeds__Output } from '../../guian/v1/JobNeeds.js';
import type { Long } from '@grpc/proto-loader';

export interface JobSchedule {
  'priority'?: (number);
  'maxSlots'?: (number);
  'licences'?: (string)[];
  'after'?: (string)[];
  'afterFrames'?: (boolean);
  'startAtMs'?: (number | string | Long);
  'paused'?: (boolean);
  'preempt'?: (string);
  'frameOrder'?: (string);
  'tileOrder'?: (string);
  'previewSamples'?: (number);
  'needs'?: (_guian_v1_JobNeeds | null);
  'previewJobId'?: (string);
  '_priority'?: "priority";
}

export interface JobSchedule__Output {
  'priority'?: (number);
  'maxSlots': (number);
  'licences': (string)[];
  'after': (string)[];
  'afterFrames': (boolean);
  'startAtMs': (number);
  'paused': (boolean);
  'preempt': (string);
  'frameOrder': (string);
  'tileOrder': (string);
  'previewSamples': (number);
  'needs': (_guian_v1_JobNeeds__Output | null);
  'previewJobId': (string);
  '_priority'?: "priority";
}
