// Original file: proto/guian/v1/package_service.proto

import type { Long } from '@grpc/proto-loader';

export interface UploadBlobResponse {
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
}

export interface UploadBlobResponse__Output {
  'digest': (string);
  'sizeBytes': (number);
}
