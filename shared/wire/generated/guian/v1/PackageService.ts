// Original file: proto/guian/v1/package_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BlobChunk as _guian_v1_BlobChunk, BlobChunk__Output as _guian_v1_BlobChunk__Output } from '../../guian/v1/BlobChunk.js';
import type { DownloadBlobRequest as _guian_v1_DownloadBlobRequest, DownloadBlobRequest__Output as _guian_v1_DownloadBlobRequest__Output } from '../../guian/v1/DownloadBlobRequest.js';
import type { InspectRequest as _guian_v1_InspectRequest, InspectRequest__Output as _guian_v1_InspectRequest__Output } from '../../guian/v1/InspectRequest.js';
import type { MissingBlobsRequest as _guian_v1_MissingBlobsRequest, MissingBlobsRequest__Output as _guian_v1_MissingBlobsRequest__Output } from '../../guian/v1/MissingBlobsRequest.js';
import type { MissingBlobsResponse as _guian_v1_MissingBlobsResponse, MissingBlobsResponse__Output as _guian_v1_MissingBlobsResponse__Output } from '../../guian/v1/MissingBlobsResponse.js';
import type { SceneInspection as _guian_v1_SceneInspection, SceneInspection__Output as _guian_v1_SceneInspection__Output } from '../../guian/v1/SceneInspection.js';
import type { UploadBlobRequest as _guian_v1_UploadBlobRequest, UploadBlobRequest__Output as _guian_v1_UploadBlobRequest__Output } from '../../guian/v1/UploadBlobRequest.js';
import type { UploadBlobResponse as _guian_v1_UploadBlobResponse, UploadBlobResponse__Output as _guian_v1_UploadBlobResponse__Output } from '../../guian/v1/UploadBlobResponse.js';

export interface PackageServiceClient extends grpc.Client {
  DownloadBlob(argument: _guian_v1_DownloadBlobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_BlobChunk__Output>;
  DownloadBlob(argument: _guian_v1_DownloadBlobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_BlobChunk__Output>;
  downloadBlob(argument: _guian_v1_DownloadBlobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_BlobChunk__Output>;
  downloadBlob(argument: _guian_v1_DownloadBlobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_guian_v1_BlobChunk__Output>;
  
  Inspect(argument: _guian_v1_InspectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _guian_v1_InspectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _guian_v1_InspectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  Inspect(argument: _guian_v1_InspectRequest, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  inspect(argument: _guian_v1_InspectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  inspect(argument: _guian_v1_InspectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  inspect(argument: _guian_v1_InspectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  inspect(argument: _guian_v1_InspectRequest, callback: grpc.requestCallback<_guian_v1_SceneInspection__Output>): grpc.ClientUnaryCall;
  
  MissingBlobs(argument: _guian_v1_MissingBlobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  MissingBlobs(argument: _guian_v1_MissingBlobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  MissingBlobs(argument: _guian_v1_MissingBlobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  MissingBlobs(argument: _guian_v1_MissingBlobsRequest, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  missingBlobs(argument: _guian_v1_MissingBlobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  missingBlobs(argument: _guian_v1_MissingBlobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  missingBlobs(argument: _guian_v1_MissingBlobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  missingBlobs(argument: _guian_v1_MissingBlobsRequest, callback: grpc.requestCallback<_guian_v1_MissingBlobsResponse__Output>): grpc.ClientUnaryCall;
  
  UploadBlob(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  UploadBlob(metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  UploadBlob(options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  UploadBlob(callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  uploadBlob(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  uploadBlob(metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  uploadBlob(options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  uploadBlob(callback: grpc.requestCallback<_guian_v1_UploadBlobResponse__Output>): grpc.ClientWritableStream<_guian_v1_UploadBlobRequest>;
  
}

export interface PackageServiceHandlers extends grpc.UntypedServiceImplementation {
  DownloadBlob: grpc.handleServerStreamingCall<_guian_v1_DownloadBlobRequest__Output, _guian_v1_BlobChunk>;
  
  Inspect: grpc.handleUnaryCall<_guian_v1_InspectRequest__Output, _guian_v1_SceneInspection>;
  
  MissingBlobs: grpc.handleUnaryCall<_guian_v1_MissingBlobsRequest__Output, _guian_v1_MissingBlobsResponse>;
  
  UploadBlob: grpc.handleClientStreamingCall<_guian_v1_UploadBlobRequest__Output, _guian_v1_UploadBlobResponse>;
  
}

export interface PackageServiceDefinition extends grpc.ServiceDefinition {
  DownloadBlob: MethodDefinition<_guian_v1_DownloadBlobRequest, _guian_v1_BlobChunk, _guian_v1_DownloadBlobRequest__Output, _guian_v1_BlobChunk__Output>
  Inspect: MethodDefinition<_guian_v1_InspectRequest, _guian_v1_SceneInspection, _guian_v1_InspectRequest__Output, _guian_v1_SceneInspection__Output>
  MissingBlobs: MethodDefinition<_guian_v1_MissingBlobsRequest, _guian_v1_MissingBlobsResponse, _guian_v1_MissingBlobsRequest__Output, _guian_v1_MissingBlobsResponse__Output>
  UploadBlob: MethodDefinition<_guian_v1_UploadBlobRequest, _guian_v1_UploadBlobResponse, _guian_v1_UploadBlobRequest__Output, _guian_v1_UploadBlobResponse__Output>
}
