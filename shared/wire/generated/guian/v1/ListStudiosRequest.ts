// Original file: proto/guian/v1/admin_service.proto


export interface ListStudiosRequest {
}

export interface ListStudiosRequest__Output {
}
