// Original file: proto/guian/v1/frame_service.proto


export interface DownloadFrameRequest {
  'jobId'?: (string);
  'frame'?: (number);
  'format'?: (string);
}

export interface DownloadFrameRequest__Output {
  'jobId': (string);
  'frame': (number);
  'format': (string);
}
