// Original file: proto/guian/v1/admin_service.proto


export interface ScaleAdviceRequest {
}

export interface ScaleAdviceRequest__Output {
}
