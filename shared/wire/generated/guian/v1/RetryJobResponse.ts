// Original file: proto/guian/v1/job_service.proto

import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from '../../guian/v1/Job.js';
import type { Long } from '@grpc/proto-loader';

export interface RetryJobResponse {
  'job'?: (_guian_v1_Job | null);
  'frames'?: (string);
  'afterSequence'?: (number | string | Long);
}

export interface RetryJobResponse__Output {
  'job': (_guian_v1_Job__Output | null);
  'frames': (string);
  'afterSequence': (number);
}
