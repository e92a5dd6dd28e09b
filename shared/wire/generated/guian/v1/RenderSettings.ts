// Original file: proto/guian/v1/types.proto

import type { Environment as _guian_v1_Environment, Environment__Output as _guian_v1_Environment__Output } from '../../guian/v1/Environment.js';
import type { SyntheticSettings as _guian_v1_SyntheticSettings, SyntheticSettings__Output as _guian_v1_SyntheticSettings__Output } from '../../guian/v1/SyntheticSettings.js';

export interface RenderSettings {
  'renderer'?: (string);
  'widthPx'?: (number);
  'heightPx'?: (number);
  'samples'?: (number);
  'seed'?: (number);
  'fps'?: (number | string);
  'camera'?: (string);
  'scene'?: (string);
  'animation'?: (string);
  'environment'?: (_guian_v1_Environment | null);
  'exposureEv'?: (number | string);
  'view'?: (string);
  'layers'?: (string)[];
  'formats'?: (string)[];
  'synthetic'?: (_guian_v1_SyntheticSettings | null);
  'viewLayer'?: (string);
  'threadsPerSlot'?: (number);
  'allowScripts'?: (boolean);
  'allowMissing'?: (boolean);
  'sourceRoot'?: (string);
  'device'?: (string);
  '_exposureEv'?: "exposureEv";
}

export interface RenderSettings__Output {
  'renderer': (string);
  'widthPx': (number);
  'heightPx': (number);
  'samples': (number);
  'seed': (number);
  'fps': (number);
  'camera': (string);
  'scene': (string);
  'animation': (string);
  'environment': (_guian_v1_Environment__Output | null);
  'exposureEv'?: (number);
  'view': (string);
  'layers': (string)[];
  'formats': (string)[];
  'synthetic': (_guian_v1_SyntheticSettings__Output | null);
  'viewLayer': (string);
  'threadsPerSlot': (number);
  'allowScripts': (boolean);
  'allowMissing': (boolean);
  'sourceRoot': (string);
  'device': (string);
  '_exposureEv'?: "exposureEv";
}
