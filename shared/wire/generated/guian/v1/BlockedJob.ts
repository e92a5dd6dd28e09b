// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface BlockedJob {
  'jobId'?: (string);
  'failures'?: (number);
  'untilMs'?: (number | string | Long);
}

export interface BlockedJob__Output {
  'jobId': (string);
  'failures': (number);
  'untilMs': (number);
}
