// Original file: proto/guian/v1/types.proto


export interface Wait {
  'kind'?: (string);
  'message'?: (string);
  'have'?: (number | string);
  'need'?: (number | string);
  'subject'?: (string);
  '_have'?: "have";
  '_need'?: "need";
}

export interface Wait__Output {
  'kind': (string);
  'message': (string);
  'have'?: (number);
  'need'?: (number);
  'subject': (string);
  '_have'?: "have";
  '_need'?: "need";
}
