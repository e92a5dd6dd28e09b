// Original file: proto/guian/v1/admin_service.proto


export interface RemoveResponse {
}

export interface RemoveResponse__Output {
}
