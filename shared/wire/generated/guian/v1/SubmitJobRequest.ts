// Original file: proto/guian/v1/job_service.proto

import type { JobSpec as _guian_v1_JobSpec, JobSpec__Output as _guian_v1_JobSpec__Output } from '../../guian/v1/JobSpec.js';

export interface SubmitJobRequest {
  'idempotencyKey'?: (string);
  'spec'?: (_guian_v1_JobSpec | null);
}

export interface SubmitJobRequest__Output {
  'idempotencyKey': (string);
  'spec': (_guian_v1_JobSpec__Output | null);
}
