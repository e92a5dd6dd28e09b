// Original file: proto/guian/v1/admin_service.proto

import type { JournalEntry as _guian_v1_JournalEntry, JournalEntry__Output as _guian_v1_JournalEntry__Output } from '../../guian/v1/JournalEntry.js';

export interface ListJournalResponse {
  'entries'?: (_guian_v1_JournalEntry)[];
  'nextPageToken'?: (string);
}

export interface ListJournalResponse__Output {
  'entries': (_guian_v1_JournalEntry__Output)[];
  'nextPageToken': (string);
}
