// Original file: proto/guian/v1/admin_service.proto

import type { Long } from '@grpc/proto-loader';

export interface JournalEntry {
  'sequence'?: (number | string | Long);
  'atMs'?: (number | string | Long);
  'actor'?: (string);
  'action'?: (string);
  'subject'?: (string);
  'message'?: (string);
}

export interface JournalEntry__Output {
  'sequence': (number);
  'atMs': (number);
  'actor': (string);
  'action': (string);
  'subject': (string);
  'message': (string);
}
