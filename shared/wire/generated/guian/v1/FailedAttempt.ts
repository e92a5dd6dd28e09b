// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface FailedAttempt {
  'attempt'?: (number);
  'nodeId'?: (string);
  'atMs'?: (number | string | Long);
  'code'?: (string);
  'message'?: (string);
  'logTail'?: (string);
}

export interface FailedAttempt__Output {
  'attempt': (number);
  'nodeId': (string);
  'atMs': (number);
  'code': (string);
  'message': (string);
  'logTail': (string);
}
