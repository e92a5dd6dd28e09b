// Original file: proto/guian/v1/frame_service.proto

import type { FrameRecord as _guian_v1_FrameRecord, FrameRecord__Output as _guian_v1_FrameRecord__Output } from '../../guian/v1/FrameRecord.js';

export interface ListFramesResponse {
  'frames'?: (_guian_v1_FrameRecord)[];
  'nextPageToken'?: (string);
}

export interface ListFramesResponse__Output {
  'frames': (_guian_v1_FrameRecord__Output)[];
  'nextPageToken': (string);
}
