// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface JobNeeds {
  'pool'?: (string);
  'tags'?: (string)[];
  'cores'?: (number);
  'memoryBytes'?: (number | string | Long);
  'gpus'?: (number);
  'gpuMemoryBytes'?: (number | string | Long);
}

export interface JobNeeds__Output {
  'pool': (string);
  'tags': (string)[];
  'cores': (number);
  'memoryBytes': (number);
  'gpus': (number);
  'gpuMemoryBytes': (number);
}
