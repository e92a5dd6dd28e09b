// Original file: proto/guian/v1/node_service.proto


export interface ForgiveNodeRequest {
  'nodeId'?: (string);
}

export interface ForgiveNodeRequest__Output {
  'nodeId': (string);
}
