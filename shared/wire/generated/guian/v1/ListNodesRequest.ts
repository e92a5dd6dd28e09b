// Original file: proto/guian/v1/node_service.proto


export interface ListNodesRequest {
}

export interface ListNodesRequest__Output {
}
