// Original file: proto/guian/v1/job_service.proto


export interface RetryJobRequest {
  'jobId'?: (string);
  'frames'?: (string);
}

export interface RetryJobRequest__Output {
  'jobId': (string);
  'frames': (string);
}
