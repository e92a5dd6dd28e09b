// Original file: proto/guian/v1/types.proto

import type { JobSpec as _guian_v1_JobSpec, JobSpec__Output as _guian_v1_JobSpec__Output } from '../../guian/v1/JobSpec.js';
import type { JobProgress as _guian_v1_JobProgress, JobProgress__Output as _guian_v1_JobProgress__Output } from '../../guian/v1/JobProgress.js';
import type { Long } from '@grpc/proto-loader';

export interface Job {
  'jobId'?: (string);
  'spec'?: (_guian_v1_JobSpec | null);
  'state'?: (string);
  'createdAtMs'?: (number | string | Long);
  'finishedAtMs'?: (number | string | Long);
  'progress'?: (_guian_v1_JobProgress | null);
  'warnings'?: (string)[];
  'tileWidthPx'?: (number);
  'tileHeightPx'?: (number);
  'tilesPerFrame'?: (number);
  'planId'?: (string);
  'slots'?: (number);
  'priority'?: (number);
  'paused'?: (boolean);
  'pool'?: (string);
  'waitsFor'?: (string);
}

export interface Job__Output {
  'jobId': (string);
  'spec': (_guian_v1_JobSpec__Output | null);
  'state': (string);
  'createdAtMs': (number);
  'finishedAtMs': (number);
  'progress': (_guian_v1_JobProgress__Output | null);
  'warnings': (string)[];
  'tileWidthPx': (number);
  'tileHeightPx': (number);
  'tilesPerFrame': (number);
  'planId': (string);
  'slots': (number);
  'priority': (number);
  'paused': (boolean);
  'pool': (string);
  'waitsFor': (string);
}
