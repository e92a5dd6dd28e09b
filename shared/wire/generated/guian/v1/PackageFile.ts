// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface PackageFile {
  'path'?: (string);
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
}

export interface PackageFile__Output {
  'path': (string);
  'digest': (string);
  'sizeBytes': (number);
}
