// Original file: proto/guian/v1/types.proto

import type { Long } from '@grpc/proto-loader';

export interface SceneFile {
  'path'?: (string);
  'reference'?: (string);
  'what'?: (string);
  'state'?: (string);
  'sizeBytes'?: (number | string | Long);
}

export interface SceneFile__Output {
  'path': (string);
  'reference': (string);
  'what': (string);
  'state': (string);
  'sizeBytes': (number);
}
