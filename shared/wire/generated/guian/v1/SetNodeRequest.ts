// Original file: proto/guian/v1/node_service.proto

import type { NameList as _guian_v1_NameList, NameList__Output as _guian_v1_NameList__Output } from '../../guian/v1/NameList.js';

export interface SetNodeRequest {
  'nodeId'?: (string);
  'drain'?: (boolean);
  'tags'?: (_guian_v1_NameList | null);
  'pools'?: (_guian_v1_NameList | null);
  'resetTags'?: (boolean);
  'resetPools'?: (boolean);
  'actor'?: (string);
  '_drain'?: "drain";
}

export interface SetNodeRequest__Output {
  'nodeId': (string);
  'drain'?: (boolean);
  'tags': (_guian_v1_NameList__Output | null);
  'pools': (_guian_v1_NameList__Output | null);
  'resetTags': (boolean);
  'resetPools': (boolean);
  'actor': (string);
  '_drain'?: "drain";
}
