// Original file: proto/guian/v1/admin_service.proto


export interface SetLicenceRequest {
  'name'?: (string);
  'total'?: (number);
  'per'?: (string);
  'actor'?: (string);
  '_total'?: "total";
}

export interface SetLicenceRequest__Output {
  'name': (string);
  'total'?: (number);
  'per': (string);
  'actor': (string);
  '_total'?: "total";
}
