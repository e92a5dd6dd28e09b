// Original file: proto/guian/v1/node_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ForgiveNodeRequest as _guian_v1_ForgiveNodeRequest, ForgiveNodeRequest__Output as _guian_v1_ForgiveNodeRequest__Output } from '../../guian/v1/ForgiveNodeRequest.js';
import type { ListNodesRequest as _guian_v1_ListNodesRequest, ListNodesRequest__Output as _guian_v1_ListNodesRequest__Output } from '../../guian/v1/ListNodesRequest.js';
import type { ListNodesResponse as _guian_v1_ListNodesResponse, ListNodesResponse__Output as _guian_v1_ListNodesResponse__Output } from '../../guian/v1/ListNodesResponse.js';
import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from '../../guian/v1/Node.js';
import type { RemoveNodeRequest as _guian_v1_RemoveNodeRequest, RemoveNodeRequest__Output as _guian_v1_RemoveNodeRequest__Output } from '../../guian/v1/RemoveNodeRequest.js';
import type { RemoveNodeResponse as _guian_v1_RemoveNodeResponse, RemoveNodeResponse__Output as _guian_v1_RemoveNodeResponse__Output } from '../../guian/v1/RemoveNodeResponse.js';
import type { SetNodeRequest as _guian_v1_SetNodeRequest, SetNodeRequest__Output as _guian_v1_SetNodeRequest__Output } from '../../guian/v1/SetNodeRequest.js';
import type { WhyNodeRequest as _guian_v1_WhyNodeRequest, WhyNodeRequest__Output as _guian_v1_WhyNodeRequest__Output } from '../../guian/v1/WhyNodeRequest.js';
import type { WhyNodeResponse as _guian_v1_WhyNodeResponse, WhyNodeResponse__Output as _guian_v1_WhyNodeResponse__Output } from '../../guian/v1/WhyNodeResponse.js';

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
  
  Remove(argument: _guian_v1_RemoveNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _guian_v1_RemoveNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _guian_v1_RemoveNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  Remove(argument: _guian_v1_RemoveNodeRequest, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _guian_v1_RemoveNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _guian_v1_RemoveNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _guian_v1_RemoveNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  remove(argument: _guian_v1_RemoveNodeRequest, callback: grpc.requestCallback<_guian_v1_RemoveNodeResponse__Output>): grpc.ClientUnaryCall;
  
  Set(argument: _guian_v1_SetNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Set(argument: _guian_v1_SetNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Set(argument: _guian_v1_SetNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  Set(argument: _guian_v1_SetNodeRequest, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  set(argument: _guian_v1_SetNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  set(argument: _guian_v1_SetNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  set(argument: _guian_v1_SetNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  set(argument: _guian_v1_SetNodeRequest, callback: grpc.requestCallback<_guian_v1_Node__Output>): grpc.ClientUnaryCall;
  
  Why(argument: _guian_v1_WhyNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  Why(argument: _guian_v1_WhyNodeRequest, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyNodeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyNodeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyNodeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  why(argument: _guian_v1_WhyNodeRequest, callback: grpc.requestCallback<_guian_v1_WhyNodeResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface NodeServiceHandlers extends grpc.UntypedServiceImplementation {
  Forgive: grpc.handleUnaryCall<_guian_v1_ForgiveNodeRequest__Output, _guian_v1_Node>;
  
  List: grpc.handleUnaryCall<_guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse>;
  
  Remove: grpc.handleUnaryCall<_guian_v1_RemoveNodeRequest__Output, _guian_v1_RemoveNodeResponse>;
  
  Set: grpc.handleUnaryCall<_guian_v1_SetNodeRequest__Output, _guian_v1_Node>;
  
  Why: grpc.handleUnaryCall<_guian_v1_WhyNodeRequest__Output, _guian_v1_WhyNodeResponse>;
  
}

export interface NodeServiceDefinition extends grpc.ServiceDefinition {
  Forgive: MethodDefinition<_guian_v1_ForgiveNodeRequest, _guian_v1_Node, _guian_v1_ForgiveNodeRequest__Output, _guian_v1_Node__Output>
  List: MethodDefinition<_guian_v1_ListNodesRequest, _guian_v1_ListNodesResponse, _guian_v1_ListNodesRequest__Output, _guian_v1_ListNodesResponse__Output>
  Remove: MethodDefinition<_guian_v1_RemoveNodeRequest, _guian_v1_RemoveNodeResponse, _guian_v1_RemoveNodeRequest__Output, _guian_v1_RemoveNodeResponse__Output>
  Set: MethodDefinition<_guian_v1_SetNodeRequest, _guian_v1_Node, _guian_v1_SetNodeRequest__Output, _guian_v1_Node__Output>
  Why: MethodDefinition<_guian_v1_WhyNodeRequest, _guian_v1_WhyNodeResponse, _guian_v1_WhyNodeRequest__Output, _guian_v1_WhyNodeResponse__Output>
}
