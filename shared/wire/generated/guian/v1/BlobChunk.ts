// Original file: proto/guian/v1/package_service.proto

import type { Long } from '@grpc/proto-loader';

export interface BlobChunk {
  'offsetBytes'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

export interface BlobChunk__Output {
  'offsetBytes': (number);
  'data': (Buffer);
}
