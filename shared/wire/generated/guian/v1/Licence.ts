// Original file: proto/guian/v1/admin_service.proto

import type { Long } from '@grpc/proto-loader';

export interface Licence {
  'name'?: (string);
  'per'?: (string);
  'total'?: (number);
  'inUse'?: (number);
  'configuredTotal'?: (number);
  'reportedUntilMs'?: (number | string | Long);
}

export interface Licence__Output {
  'name': (string);
  'per': (string);
  'total': (number);
  'inUse': (number);
  'configuredTotal': (number);
  'reportedUntilMs': (number);
}
