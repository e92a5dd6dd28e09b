// Original file: proto/guian/v1/admin_service.proto


export interface RemoveRequest {
  'name'?: (string);
  'actor'?: (string);
}

export interface RemoveRequest__Output {
  'name': (string);
  'actor': (string);
}
