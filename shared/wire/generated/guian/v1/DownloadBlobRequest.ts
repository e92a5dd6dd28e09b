// Original file: proto/guian/v1/package_service.proto

import type { Long } from '@grpc/proto-loader';

export interface DownloadBlobRequest {
  'digest'?: (string);
  'offsetBytes'?: (number | string | Long);
}

export interface DownloadBlobRequest__Output {
  'digest': (string);
  'offsetBytes': (number);
}
