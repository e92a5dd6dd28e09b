// Original file: proto/guian/v1/admin_service.proto


export interface ListPoolsRequest {
}

export interface ListPoolsRequest__Output {
}
