// Original file: proto/guian/v1/node_service.proto


export interface NameList {
  'names'?: (string)[];
}

export interface NameList__Output {
  'names': (string)[];
}
