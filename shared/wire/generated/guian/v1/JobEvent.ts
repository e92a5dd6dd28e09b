// Original file: proto/guian/v1/types.proto

import type { JobProgress as _guian_v1_JobProgress, JobProgress__Output as _guian_v1_JobProgress__Output } from '../../guian/v1/JobProgress.js';
import type { Long } from '@grpc/proto-loader';

export interface JobEvent {
  'sequence'?: (number | string | Long);
  'atMs'?: (number | string | Long);
  'jobId'?: (string);
  'kind'?: (string);
  'frame'?: (number);
  'tile'?: (number);
  'attempt'?: (number);
  'nodeId'?: (string);
  'state'?: (string);
  'message'?: (string);
  'progress'?: (_guian_v1_JobProgress | null);
  '_frame'?: "frame";
  '_tile'?: "tile";
  '_attempt'?: "attempt";
}

export interface JobEvent__Output {
  'sequence': (number);
  'atMs': (number);
  'jobId': (string);
  'kind': (string);
  'frame'?: (number);
  'tile'?: (number);
  'attempt'?: (number);
  'nodeId': (string);
  'state': (string);
  'message': (string);
  'progress': (_guian_v1_JobProgress__Output | null);
  '_frame'?: "frame";
  '_tile'?: "tile";
  '_attempt'?: "attempt";
}
