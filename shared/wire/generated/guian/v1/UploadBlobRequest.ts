// Original file: proto/guian/v1/package_service.proto

import type { UploadHeader as _guian_v1_UploadHeader, UploadHeader__Output as _guian_v1_UploadHeader__Output } from '../../guian/v1/UploadHeader.js';

export interface UploadBlobRequest {
  'header'?: (_guian_v1_UploadHeader | null);
  'data'?: (Buffer | Uint8Array | string);
  'part'?: "header"|"data";
}

export interface UploadBlobRequest__Output {
  'header'?: (_guian_v1_UploadHeader__Output | null);
  'data'?: (Buffer);
  'part'?: "header"|"data";
}
