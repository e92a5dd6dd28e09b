// Original file: proto/guian/v1/types.proto

import type { FailedAttempt as _guian_v1_FailedAttempt, FailedAttempt__Output as _guian_v1_FailedAttempt__Output } from '../../guian/v1/FailedAttempt.js';

export interface FailedTile {
  'tile'?: (number);
  'attempts'?: (_guian_v1_FailedAttempt)[];
}

export interface FailedTile__Output {
  'tile': (number);
  'attempts': (_guian_v1_FailedAttempt__Output)[];
}
