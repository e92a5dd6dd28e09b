// Original file: proto/guian/v1/node_service.proto


export interface WhyNodeRequest {
  'nodeId'?: (string);
}

export interface WhyNodeRequest__Output {
  'nodeId': (string);
}
