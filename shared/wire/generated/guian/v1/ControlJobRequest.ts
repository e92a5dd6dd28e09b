// Original file: proto/guian/v1/job_service.proto


export interface ControlJobRequest {
  'jobId'?: (string);
  'priority'?: (number);
  'paused'?: (boolean);
  'pool'?: (string);
  'ignoreAfter'?: (boolean);
  'maxSlots'?: (number);
  'actor'?: (string);
  '_priority'?: "priority";
  '_paused'?: "paused";
  '_pool'?: "pool";
  '_ignoreAfter'?: "ignoreAfter";
  '_maxSlots'?: "maxSlots";
}

export interface ControlJobRequest__Output {
  'jobId': (string);
  'priority'?: (number);
  'paused'?: (boolean);
  'pool'?: (string);
  'ignoreAfter'?: (boolean);
  'maxSlots'?: (number);
  'actor': (string);
  '_priority'?: "priority";
  '_paused'?: "paused";
  '_pool'?: "pool";
  '_ignoreAfter'?: "ignoreAfter";
  '_maxSlots'?: "maxSlots";
}
