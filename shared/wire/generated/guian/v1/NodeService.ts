// Original file: proto/guian/v1/node_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ForgiveNodeRequest as _guian_v1_ForgiveNodeRequest, ForgiveNodeRequest__Output as _guian_v1_ForgiveNodeRequest__Output } from '../../guian/v1/ForgiveNodeRequest.js';
import type { ListNodesRequest as _guian_v1_ListNodesRequest, ListNodesRequest__Output as _guian_v1_ListNodesRequest__Output } from '../../guian/v1/ListNodesRequest.js';
import type { ListNodesResponse as _guian_v1_ListNodesResponse, ListNodesResponse__Output as _guian_v1_ListNodesResponse__Output } from '../../guian/v1/ListNodesResponse.js';
import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from '../../guian/v1/Node.js';

export interface NodeServiceClient extends grpc.Client {
  Forgive(argument: _guian_v1_ForgiveNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Forgive(argument: _guian_v1_ForgiveNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Forgive(argument: _guian_v1_ForgiveNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Forgive(argument: _guian_v1_ForgiveNodeRequest, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  forgive(argument: _guian_v1_ForgiveNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  forgive(argument: _guian_v1_ForgiveNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  forgive(argument: _guian_v1_ForgiveNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  forgive(argument: _guian_v1_ForgiveNodeRequest, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  
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
  Forgive: grpc.handleUnaryCall<_guian_v1_ForgiveNodeRequest__Output, _guian_v1_Node>;
  
  List: grpc.handleUnaryCall<_guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse>;
  
}

export interface NodeServiceDefinition extends grpc.ServiceDefinition {
  Forgive: MethodDefinition<_guian_v1_ForgiveNodeRequest, _guian_v1_Node, _guian_v1_ForgiveNodeRequest__Output, _guian_v1_Node__Output>
  List: MethodDefinition<_guian_v1_ListNodesRequest, _guian_v1_ListNodesResponse, _guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse__Output>
}
