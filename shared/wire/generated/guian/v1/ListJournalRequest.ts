// Original file: proto/guian/v1/admin_service.proto


export interface ListJournalRequest {
  'pageSize'?: (number);
  'pageToken'?: (string);
}

export interface ListJournalRequest__Output {
  'pageSize': (number);
  'pageToken': (string);
}
