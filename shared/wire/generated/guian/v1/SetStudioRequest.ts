// Original file: proto/guian/v1/admin_service.proto


export interface SetStudioRequest {
  'name'?: (string);
  'share'?: (number | string);
  'maxSlots'?: (number);
  'actor'?: (string);
  '_share'?: "share";
  '_maxSlots'?: "maxSlots";
}

export interface SetStudioRequest__Output {
  'name': (string);
  'share'?: (number);
  'maxSlots'?: (number);
  'actor': (string);
  '_share'?: "share";
  '_maxSlots'?: "maxSlots";
}
