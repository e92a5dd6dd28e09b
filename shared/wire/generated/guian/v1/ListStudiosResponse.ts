// Original file: proto/guian/v1/admin_service.proto

import type { Studio as _guian_v1_Studio, Studio__Output as _guian_v1_Studio__Output } from '../../guian/v1/Studio.js';

export interface ListStudiosResponse {
  'studios'?: (_guian_v1_Studio)[];
}

export interface ListStudiosResponse__Output {
  'studios': (_guian_v1_Studio__Output)[];
}
