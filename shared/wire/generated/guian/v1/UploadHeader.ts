// Original file: proto/guian/v1/package_service.proto

import type { BlobRef as _guian_v1_BlobRef, BlobRef__Output as _guian_v1_BlobRef__Output } from '../../guian/v1/BlobRef.js';
import type { Long } from '@grpc/proto-loader';

export interface UploadHeader {
  'blob'?: (_guian_v1_BlobRef | null);
  'offsetBytes'?: (number | string | Long);
}

export interface UploadHeader__Output {
  'blob': (_guian_v1_BlobRef__Output | null);
  'offsetBytes': (number);
}
