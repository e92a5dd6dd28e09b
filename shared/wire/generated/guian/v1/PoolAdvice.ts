// Original file: proto/guian/v1/admin_service.proto


export interface PoolAdvice {
  'pool'?: (string);
  'slots'?: (number);
  'slotsWanted'?: (number);
  'backlogCoreSeconds'?: (number | string);
  'reason'?: (string);
}

export interface PoolAdvice__Output {
  'pool': (string);
  'slots': (number);
  'slotsWanted': (number);
  'backlogCoreSeconds': (number);
  'reason': (string);
}
