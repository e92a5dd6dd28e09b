// Original file: proto/guian/v1/node_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ListNodesRequest as _guian_v1_ListNodesRequest, ListNodesRequest__Output as _guian_v1_ListNodesRequest__Output } from '../../guian/v1/ListNodesRequest.js';
import type { ListNodesResponse as _guian_v1_ListNodesResponse, ListNodesResponse__Output as _guian_v1_ListNodesResponse__Output } from '../../guian/v1/ListNodesResponse.js';

export interface NodeServiceClient extends grpc.Client {
  List(argument: _guian_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _guian_v1_ListNodesRequest, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListNodesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListNodesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListNodesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _guian_v1_ListNodesRequest, callback: grpc.requestCallback<_guian_v1_ListNodesResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface NodeServiceHandlers extends grpc.UntypedServiceImplementation {
  List: grpc.handleUnaryCall<_guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse>;
  
}

export interface NodeServiceDefinition extends grpc.ServiceDefinition {
  List: MethodDefinition<_guian_v1_ListNodesRequest, _guian_v1_ListNodesResponse, _guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse__Output>
}
