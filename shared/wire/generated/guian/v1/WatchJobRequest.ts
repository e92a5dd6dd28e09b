// Original file: proto/guian/v1/job_service.proto

import type { Long } from '@grpc/proto-loader';

export interface WatchJobRequest {
  'jobId'?: (string);
  'afterSequence'?: (number | string | Long);
  'keptOnly'?: (boolean);
}

export interface WatchJobRequest__Output {
  'jobId': (string);
  'afterSequence': (number);
  'keptOnly': (boolean);
}
