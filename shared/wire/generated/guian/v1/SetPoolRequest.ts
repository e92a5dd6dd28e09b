// Original file: proto/guian/v1/admin_service.proto

import type { Long } from '@grpc/proto-loader';

export interface SetPoolRequest {
  'name'?: (string);
  'targetWaitMs'?: (number | string | Long);
  'minSlots'?: (number);
  'maxSlots'?: (number);
  'idleMs'?: (number | string | Long);
  'actor'?: (string);
  '_targetWaitMs'?: "targetWaitMs";
  '_minSlots'?: "minSlots";
  '_maxSlots'?: "maxSlots";
  '_idleMs'?: "idleMs";
}

export interface SetPoolRequest__Output {
  'name': (string);
  'targetWaitMs'?: (number);
  'minSlots'?: (number);
  'maxSlots'?: (number);
  'idleMs'?: (number);
  'actor': (string);
  '_targetWaitMs'?: "targetWaitMs";
  '_minSlots'?: "minSlots";
  '_maxSlots'?: "maxSlots";
  '_idleMs'?: "idleMs";
}
