// Original file: proto/guian/v1/admin_service.proto

import type { Pool as _guian_v1_Pool, Pool__Output as _guian_v1_Pool__Output } from '../../guian/v1/Pool.js';

export interface ListPoolsResponse {
  'pools'?: (_guian_v1_Pool)[];
}

export interface ListPoolsResponse__Output {
  'pools': (_guian_v1_Pool__Output)[];
}
