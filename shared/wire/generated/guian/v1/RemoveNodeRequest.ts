// Original file: proto/guian/v1/node_service.proto


export interface RemoveNodeRequest {
  'nodeId'?: (string);
  'actor'?: (string);
}

export interface RemoveNodeRequest__Output {
  'nodeId': (string);
  'actor': (string);
}
