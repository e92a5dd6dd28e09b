// Original file: proto/guian/v1/types.proto


export interface Environment {
  'kind'?: (string);
  'path'?: (string);
}

export interface Environment__Output {
  'kind': (string);
  'path': (string);
}
