// Original file: proto/guian/v1/frame_service.proto


export interface ListFramesRequest {
  'jobId'?: (string);
  'pageSize'?: (number);
  'pageToken'?: (string);
  'state'?: (string);
  'frame'?: (number);
  '_frame'?: "frame";
}

export interface ListFramesRequest__Output {
  'jobId': (string);
  'pageSize': (number);
  'pageToken': (string);
  'state': (string);
  'frame'?: (number);
  '_frame'?: "frame";
}
