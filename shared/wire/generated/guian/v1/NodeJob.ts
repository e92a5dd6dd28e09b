// Original file: proto/guian/v1/types.proto


export interface NodeJob {
  'jobId'?: (string);
  'slots'?: (number);
}

export interface NodeJob__Output {
  'jobId': (string);
  'slots': (number);
}
