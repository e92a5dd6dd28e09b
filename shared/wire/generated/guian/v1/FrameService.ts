// Original file: proto/guian/v1/frame_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { DownloadFrameChunk as _guian_v1_DownloadFrameChunk, DownloadFrameChunk__Output as _guian_v1_DownloadFrameChunk__Output } from '../../guian/v1/DownloadFrameChunk.js';
import type { DownloadFrameRequest as _guian_v1_DownloadFrameRequest, DownloadFrameRequest__Output as _guian_v1_DownloadFrameRequest__Output } from '../../guian/v1/DownloadFrameRequest.js';
import type { ListFramesRequest as _guian_v1_ListFramesRequest, ListFramesRequest__Output as _guian_v1_ListFramesRequest__Output } from '../../guian/v1/ListFramesRequest.js';
import type { ListFramesResponse as _guian_v1_ListFramesResponse, ListFramesResponse__Output as _guian_v1_ListFramesResponse__Output } from '../../guian/v1/ListFramesResponse.js';

export interface FrameServiceClient extends grpc.Client {
  Download(argument: _guian_v1_DownloadFrameRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_DownloadFrameChunk__Output>;
  Download(argument: _guian_v1_DownloadFrameRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_DownloadFrameChunk__Output>;
  download(argument: _guian_v1_DownloadFrameRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_DownloadFrameChunk__Output>;
  download(argument: _guian_v1_DownloadFrameRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_DownloadFrameChunk__Output>;
  
  List(argument: _guian_v1_ListFramesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListFramesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListFramesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListFramesRequest, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListFramesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListFramesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListFramesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListFramesRequest, callback: grpc.requestCallback<_guian_v1_ListFramesResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface FrameServiceHandlers extends grpc.UntypedServiceImplementation {
  Download: grpc.handleServerStreamingCall<_guian_v1_DownloadFrameRequest__Output, _guian_v1_DownloadFrameChunk>;
  
  List: grpc.handleUnaryCall<_guian_v1_ListFramesRequest__Output, _guian_v1_ListFramesResponse>;
  
}

export interface FrameServiceDefinition extends grpc.ServiceDefinition {
  Download: MethodDefinition<_guian_v1_DownloadFrameRequest, _guian_v1_DownloadFrameChunk, _guian_v1_DownloadFrameRequest__Output, _guian_v1_DownloadFrameChunk__Output>
  List: MethodDefinition<_guian_v1_ListFramesRequest, _guian_v1_ListFramesResponse, _guian_v1_ListFramesRequest__Output, _guian_v1_ListFramesResponse__Output>
}
