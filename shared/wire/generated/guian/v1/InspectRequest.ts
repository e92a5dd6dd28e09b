// Original file: proto/guian/v1/package_service.proto

import type { PackageManifest as _guian_v1_PackageManifest, PackageManifest__Output as _guian_v1_PackageManifest__Output } from '../../guian/v1/PackageManifest.js';

export interface InspectRequest {
  'manifest'?: (_guian_v1_PackageManifest | null);
  'renderer'?: (string);
  'rendererVersion'?: (string);
  'allowScripts'?: (boolean);
  'sourceRoot'?: (string);
  'studio'?: (string);
}

export interface InspectRequest__Output {
  'manifest': (_guian_v1_PackageManifest__Output | null);
  'renderer': (string);
  'rendererVersion': (string);
  'allowScripts': (boolean);
  'sourceRoot': (string);
  'studio': (string);
}
