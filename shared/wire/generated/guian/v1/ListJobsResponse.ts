// Original file: proto/guian/v1/job_service.proto

import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from '../../guian/v1/Job.js';

export interface ListJobsResponse {
  'jobs'?: (_guian_v1_Job)[];
  'nextPageToken'?: (string);
}

export interface ListJobsResponse__Output {
  'jobs': (_guian_v1_Job__Output)[];
  'nextPageToken': (string);
}
