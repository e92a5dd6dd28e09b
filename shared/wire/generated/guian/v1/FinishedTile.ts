// Original file: proto/guian/v1/types.proto


export interface FinishedTile {
  'tile'?: (number);
  'nodeId'?: (string);
  'attempt'?: (number);
  'renderMs'?: (number);
  'agreedNodeId'?: (string);
}

export interface FinishedTile__Output {
  'tile': (number);
  'nodeId': (string);
  'attempt': (number);
  'renderMs': (number);
  'agreedNodeId': (string);
}
