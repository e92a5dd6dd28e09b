// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface FrameFile {
  'format'?: (string);
  'name'?: (string);
  'sizeBytes'?: (number | string | Long);
  'digest'?: (string);
}

export interface FrameFile__Output {
  'format': (string);
  'name': (string);
  'sizeBytes': (number);
  'digest': (string);
}
