// Original file: proto/guian/v1/node_service.proto


export interface RemoveNodeResponse {
}

export interface RemoveNodeResponse__Output {
}
