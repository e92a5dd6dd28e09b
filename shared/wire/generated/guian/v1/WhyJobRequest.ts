// Original file: proto/guian/v1/job_service.proto


export interface WhyJobRequest {
  'jobId'?: (string);
}

export interface WhyJobRequest__Output {
  'jobId': (string);
}
