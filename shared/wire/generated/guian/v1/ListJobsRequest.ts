// Original file: proto/guian/v1/job_service.proto


export interface ListJobsRequest {
  'pageSize'?: (number);
  'pageToken'?: (string);
  'state'?: (string);
}

export interface ListJobsRequest__Output {
  'pageSize': (number);
  'pageToken': (string);
  'state': (string);
}
