// Original file: proto/guian/v1/job_service.proto

import type { Wait as _guian_v1_Wait, Wait__Output as _guian_v1_Wait__Output } from '../../guian/v1/Wait.js';

export interface WhyJobResponse {
  'jobId'?: (string);
  'state'?: (string);
  'slots'?: (number);
  'slotsWanted'?: (number);
  'waits'?: (_guian_v1_Wait)[];
}

export interface WhyJobResponse__Output {
  'jobId': (string);
  'state': (string);
  'slots': (number);
  'slotsWanted': (number);
  'waits': (_guian_v1_Wait__Output)[];
}
