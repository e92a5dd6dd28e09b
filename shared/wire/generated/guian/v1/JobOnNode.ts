// Original file: proto/guian/v1/node_service.proto

import type { Wait as _guian_v1_Wait, Wait__Output as _guian_v1_Wait__Output } from '../../guian/v1/Wait.js';

export interface JobOnNode {
  'jobId'?: (string);
  'slots'?: (number);
  'waits'?: (_guian_v1_Wait)[];
}

export interface JobOnNode__Output {
  'jobId': (string);
  'slots': (number);
  'waits': (_guian_v1_Wait__Output)[];
}
