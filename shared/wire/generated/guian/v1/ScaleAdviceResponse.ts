// Original file: proto/guian/v1/admin_service.proto

import type { PoolAdvice as _guian_v1_PoolAdvice, PoolAdvice__Output as _guian_v1_PoolAdvice__Output } from '../../guian/v1/PoolAdvice.js';

export interface ScaleAdviceResponse {
  'pools'?: (_guian_v1_PoolAdvice)[];
}

export interface ScaleAdviceResponse__Output {
  'pools': (_guian_v1_PoolAdvice__Output)[];
}
