// Original file: proto/guian/v1/types.proto

import type { PackageFile as _guian_v1_PackageFile, PackageFile__Output as _guian_v1_PackageFile__Output } from '../../guian/v1/PackageFile.js';

export interface PackageManifest {
  'entry'?: (string);
  'files'?: (_guian_v1_PackageFile)[];
}

export interface PackageManifest__Output {
  'entry': (string);
  'files': (_guian_v1_PackageFile__Output)[];
}
