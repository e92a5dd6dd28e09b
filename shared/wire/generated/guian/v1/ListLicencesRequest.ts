// Original file: proto/guian/v1/admin_service.proto


export interface ListLicencesRequest {
}

export interface ListLicencesRequest__Output {
}
