// Original file: proto/guian/v1/types.proto


export interface SyntheticSettings {
  'costMsPerTile'?: (number | string);
}

export interface SyntheticSettings__Output {
  'costMsPerTile': (number);
}
