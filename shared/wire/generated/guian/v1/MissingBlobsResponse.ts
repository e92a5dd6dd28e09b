// Original file: proto/guian/v1/package_service.proto

import type { MissingBlob as _guian_v1_MissingBlob, MissingBlob__Output as _guian_v1_MissingBlob__Output } from '../../guian/v1/MissingBlob.js';

export interface MissingBlobsResponse {
  'missing'?: (_guian_v1_MissingBlob)[];
}

export interface MissingBlobsResponse__Output {
  'missing': (_guian_v1_MissingBlob__Output)[];
}
