// Original file: proto/guian/v1/types.proto

import type { SceneFile as _guian_v1_SceneFile, SceneFile__Output as _guian_v1_SceneFile__Output } from '../../guian/v1/SceneFile.js';

export interface SceneInspection {
  'renderer'?: (string);
  'rendererVersion'?: (string);
  'savedWith'?: (string);
  'frames'?: (string);
  'fps'?: (number | string);
  'widthPx'?: (number);
  'heightPx'?: (number);
  'samples'?: (number);
  'scene'?: (string);
  'scenes'?: (string)[];
  'camera'?: (string);
  'cameras'?: (string)[];
  'viewLayers'?: (string)[];
  'layers'?: (string)[];
  'files'?: (_guian_v1_SceneFile)[];
  'notices'?: (string)[];
  'scripts'?: (string)[];
  'problems'?: (string)[];
  'tile'?: (string);
  'problemCodes'?: (string)[];
}

export interface SceneInspection__Output {
  'renderer': (string);
  'rendererVersion': (string);
  'savedWith': (string);
  'frames': (string);
  'fps': (number);
  'widthPx': (number);
  'heightPx': (number);
  'samples': (number);
  'scene': (string);
  'scenes': (string)[];
  'camera': (string);
  'cameras': (string)[];
  'viewLayers': (string)[];
  'layers': (string)[];
  'files': (_guian_v1_SceneFile__Output)[];
  'notices': (string)[];
  'scripts': (string)[];
  'problems': (string)[];
  'tile': (string);
  'problemCodes': (string)[];
}
