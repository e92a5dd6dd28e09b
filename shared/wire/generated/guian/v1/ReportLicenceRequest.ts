// Original file: proto/guian/v1/admin_service.proto

import type { Long } from '@grpc/proto-loader';

export interface ReportLicenceRequest {
  'name'?: (string);
  'total'?: (number);
  'expiresAfterMs'?: (number | string | Long);
  'actor'?: (string);
}

export interface ReportLicenceRequest__Output {
  'name': (string);
  'total': (number);
  'expiresAfterMs': (number);
  'actor': (string);
}
