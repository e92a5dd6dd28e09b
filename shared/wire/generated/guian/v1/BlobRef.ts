// Original file: proto/guian/v1/package_service.proto

import type { Long } from '@grpc/proto-loader';

export interface BlobRef {
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
}

export interface BlobRef__Output {
  'digest': (string);
  'sizeBytes': (number);
}
