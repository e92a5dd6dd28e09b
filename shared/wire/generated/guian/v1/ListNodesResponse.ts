// Original file: proto/guian/v1/node_service.proto

import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from '../../guian/v1/Node.js';

export interface ListNodesResponse {
  'nodes'?: (_guian_v1_Node)[];
}

export interface ListNodesResponse__Output {
  'nodes': (_guian_v1_Node__Output)[];
}
