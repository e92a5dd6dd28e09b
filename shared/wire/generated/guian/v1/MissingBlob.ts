// Original file: proto/guian/v1/package_service.proto

import type { Long } from '@grpc/proto-loader';

export interface MissingBlob {
  'digest'?: (string);
  'offsetBytes'?: (number | string | Long);
}

export interface MissingBlob__Output {
  'digest': (string);
  'offsetBytes': (number);
}
