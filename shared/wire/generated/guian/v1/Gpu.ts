// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface Gpu {
  'name'?: (string);
  'memoryBytes'?: (number | string | Long);
}

export interface Gpu__Output {
  'name': (string);
  'memoryBytes': (number);
}
