// Original file: proto/guian/v1/package_service.proto

import type { BlobRef as _guian_v1_BlobRef, BlobRef__Output as _guian_v1_BlobRef__Output } from '../../guian/v1/BlobRef.js';

export interface MissingBlobsRequest {
  'blobs'?: (_guian_v1_BlobRef)[];
}

export interface MissingBlobsRequest__Output {
  'blobs': (_guian_v1_BlobRef__Output)[];
}
