// Original file: proto/guian/v1/types.proto

import type { FrameFile as _guian_v1_FrameFile, FrameFile__Output as _guian_v1_FrameFile__Output } from '../../guian/v1/FrameFile.js';
import type { FailedTile as _guian_v1_FailedTile, FailedTile__Output as _guian_v1_FailedTile__Output } from '../../guian/v1/FailedTile.js';
import type { FinishedTile as _guian_v1_FinishedTile, FinishedTile__Output as _guian_v1_FinishedTile__Output } from '../../guian/v1/FinishedTile.js';
import type { Long } from '@grpc/proto-loader';

export interface FrameRecord {
  'frame'?: (number);
  'state'?: (string);
  'tilesTotal'?: (number);
  'tilesDone'?: (number);
  'files'?: (_guian_v1_FrameFile)[];
  'coreSeconds'?: (number | string);
  'finishedAtMs'?: (number | string | Long);
  'nodeIds'?: (string)[];
  'reason'?: (string);
  'failedTiles'?: (_guian_v1_FailedTile)[];
  'finishedTiles'?: (_guian_v1_FinishedTile)[];
}

export interface FrameRecord__Output {
  'frame': (number);
  'state': (string);
  'tilesTotal': (number);
  'tilesDone': (number);
  'files': (_guian_v1_FrameFile__Output)[];
  'coreSeconds': (number);
  'finishedAtMs': (number);
  'nodeIds': (string)[];
  'reason': (string);
  'failedTiles': (_guian_v1_FailedTile__Output)[];
  'finishedTiles': (_guian_v1_FinishedTile__Output)[];
}
