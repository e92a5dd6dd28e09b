// Original file: proto/guian/v1/job_service.proto

import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from '../../guian/v1/Job.js';

export interface SubmitJobResponse {
  'job'?: (_guian_v1_Job | null);
  'existed'?: (boolean);
}

export interface SubmitJobResponse__Output {
  'job': (_guian_v1_Job__Output | null);
  'existed': (boolean);
}
