// Original file: proto/guian/v1/frame_service.proto

import type { FrameFile as _guian_v1_FrameFile, FrameFile__Output as _guian_v1_FrameFile__Output } from '../../guian/v1/FrameFile.js';

export interface DownloadFrameChunk {
  'file'?: (_guian_v1_FrameFile | null);
  'data'?: (Buffer | Uint8Array | string);
  'part'?: "file"|"data";
}

export interface DownloadFrameChunk__Output {
  'file'?: (_guian_v1_FrameFile__Output | null);
  'data'?: (Buffer);
  'part'?: "file"|"data";
}
