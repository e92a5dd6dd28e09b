// Original file: proto/guian/v1/admin_service.proto

import type { Long } from '@grpc/proto-loader';

export interface Pool {
  'name'?: (string);
  'nodes'?: (number);
  'slots'?: (number);
  'slotsBusy'?: (number);
  'targetWaitMs'?: (number | string | Long);
  'minSlots'?: (number);
  'maxSlots'?: (number);
  'idleMs'?: (number | string | Long);
  'configured'?: (boolean);
}

export interface Pool__Output {
  'name': (string);
  'nodes': (number);
  'slots': (number);
  'slotsBusy': (number);
  'targetWaitMs': (number);
  'minSlots': (number);
  'maxSlots': (number);
  'idleMs': (number);
  'configured': (boolean);
}
