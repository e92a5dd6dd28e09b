// Original file: proto/guian/v1/admin_service.proto


export interface Studio {
  'name'?: (string);
  'share'?: (number | string);
  'maxSlots'?: (number);
  'slots'?: (number);
  'slotsWanted'?: (number);
  'jobs'?: (number);
  'configured'?: (boolean);
}

export interface Studio__Output {
  'name': (string);
  'share': (number);
  'maxSlots': (number);
  'slots': (number);
  'slotsWanted': (number);
  'jobs': (number);
  'configured': (boolean);
}
