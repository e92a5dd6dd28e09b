// Original file: proto/guian/v1/admin_service.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Licence as _guian_v1_Licence, Licence__Output as _guian_v1_Licence__Output } from '../../guian/v1/Licence.js';
import type { ListJournalRequest as _guian_v1_ListJournalRequest, ListJournalRequest__Output as _guian_v1_ListJournalRequest__Output } from '../../guian/v1/ListJournalRequest.js';
import type { ListJournalResponse as _guian_v1_ListJournalResponse, ListJournalResponse__Output as _guian_v1_ListJournalResponse__Output } from '../../guian/v1/ListJournalResponse.js';
import type { ListLicencesRequest as _guian_v1_ListLicencesRequest, ListLicencesRequest__Output as _guian_v1_ListLicencesRequest__Output } from '../../guian/v1/ListLicencesRequest.js';
import type { ListLicencesResponse as _guian_v1_ListLicencesResponse, ListLicencesResponse__Output as _guian_v1_ListLicencesResponse__Output } from '../../guian/v1/ListLicencesResponse.js';
import type { ListPoolsRequest as _guian_v1_ListPoolsRequest, ListPoolsRequest__Output as _guian_v1_ListPoolsRequest__Output } from '../../guian/v1/ListPoolsRequest.js';
import type { ListPoolsResponse as _guian_v1_ListPoolsResponse, ListPoolsResponse__Output as _guian_v1_ListPoolsResponse__Output } from '../../guian/v1/ListPoolsResponse.js';
import type { ListStudiosRequest as _guian_v1_ListStudiosRequest, ListStudiosRequest__Output as _guian_v1_ListStudiosRequest__Output } from '../../guian/v1/ListStudiosRequest.js';
import type { ListStudiosResponse as _guian_v1_ListStudiosResponse, ListStudiosResponse__Output as _guian_v1_ListStudiosResponse__Output } from '../../guian/v1/ListStudiosResponse.js';
import type { Pool as _guian_v1_Pool, Pool__Output as _guian_v1_Pool__Output } from '../../guian/v1/Pool.js';
import type { RemoveRequest as _guian_v1_RemoveRequest, RemoveRequest__Output as _guian_v1_RemoveRequest__Output } from '../../guian/v1/RemoveRequest.js';
import type { RemoveResponse as _guian_v1_RemoveResponse, RemoveResponse__Output as _guian_v1_RemoveResponse__Output } from '../../guian/v1/RemoveResponse.js';
import type { ReportLicenceRequest as _guian_v1_ReportLicenceRequest, ReportLicenceRequest__Output as _guian_v1_ReportLicenceRequest__Output } from '../../guian/v1/ReportLicenceRequest.js';
import type { ScaleAdviceRequest as _guian_v1_ScaleAdviceRequest, ScaleAdviceRequest__Output as _guian_v1_ScaleAdviceRequest__Output } from '../../guian/v1/ScaleAdviceRequest.js';
import type { ScaleAdviceResponse as _guian_v1_ScaleAdviceResponse, ScaleAdviceResponse__Output as _guian_v1_ScaleAdviceResponse__Output } from '../../guian/v1/ScaleAdviceResponse.js';
import type { SetLicenceRequest as _guian_v1_SetLicenceRequest, SetLicenceRequest__Output as _guian_v1_SetLicenceRequest__Output } from '../../guian/v1/SetLicenceRequest.js';
import type { SetPoolRequest as _guian_v1_SetPoolRequest, SetPoolRequest__Output as _guian_v1_SetPoolRequest__Output } from '../../guian/v1/SetPoolRequest.js';
import type { SetStudioRequest as _guian_v1_SetStudioRequest, SetStudioRequest__Output as _guian_v1_SetStudioRequest__Output } from '../../guian/v1/SetStudioRequest.js';
import type { Studio as _guian_v1_Studio, Studio__Output as _guian_v1_Studio__Output } from '../../guian/v1/Studio.js';

export interface AdminServiceClient extends grpc.Client {
  ListJournal(argument: _guian_v1_ListJournalRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  ListJournal(argument: _guian_v1_ListJournalRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  ListJournal(argument: _guian_v1_ListJournalRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  ListJournal(argument: _guian_v1_ListJournalRequest, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  listJournal(argument: _guian_v1_ListJournalRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  listJournal(argument: _guian_v1_ListJournalRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  listJournal(argument: _guian_v1_ListJournalRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  listJournal(argument: _guian_v1_ListJournalRequest, callback: grpc.requestCallback<_guian_v1_ListJournalResponse__Output>): grpc.ClientUnaryCall;
  
  ListLicences(argument: _guian_v1_ListLicencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  ListLicences(argument: _guian_v1_ListLicencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  ListLicences(argument: _guian_v1_ListLicencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  ListLicences(argument: _guian_v1_ListLicencesRequest, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  listLicences(argument: _guian_v1_ListLicencesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  listLicences(argument: _guian_v1_ListLicencesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  listLicences(argument: _guian_v1_ListLicencesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  listLicences(argument: _guian_v1_ListLicencesRequest, callback: grpc.requestCallback<_guian_v1_ListLicencesResponse__Output>): grpc.ClientUnaryCall;
  
  ListPools(argument: _guian_v1_ListPoolsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  ListPools(argument: _guian_v1_ListPoolsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  ListPools(argument: _guian_v1_ListPoolsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  ListPools(argument: _guian_v1_ListPoolsRequest, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  listPools(argument: _guian_v1_ListPoolsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  listPools(argument: _guian_v1_ListPoolsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  listPools(argument: _guian_v1_ListPoolsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  listPools(argument: _guian_v1_ListPoolsRequest, callback: grpc.requestCallback<_guian_v1_ListPoolsResponse__Output>): grpc.ClientUnaryCall;
  
  ListStudios(argument: _guian_v1_ListStudiosRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  ListStudios(argument: _guian_v1_ListStudiosRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  ListStudios(argument: _guian_v1_ListStudiosRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  ListStudios(argument: _guian_v1_ListStudiosRequest, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  listStudios(argument: _guian_v1_ListStudiosRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  listStudios(argument: _guian_v1_ListStudiosRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  listStudios(argument: _guian_v1_ListStudiosRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  listStudios(argument: _guian_v1_ListStudiosRequest, callback: grpc.requestCallback<_guian_v1_ListStudiosResponse__Output>): grpc.ClientUnaryCall;
  
  RemoveLicence(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveLicence(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveLicence(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveLicence(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeLicence(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeLicence(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeLicence(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeLicence(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  
  RemovePool(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemovePool(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemovePool(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemovePool(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removePool(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removePool(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removePool(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removePool(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  
  RemoveStudio(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveStudio(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveStudio(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  RemoveStudio(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeStudio(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeStudio(argument: _guian_v1_RemoveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeStudio(argument: _guian_v1_RemoveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  removeStudio(argument: _guian_v1_RemoveRequest, callback: grpc.requestCallback<_guian_v1_RemoveResponse__Output>): grpc.ClientUnaryCall;
  
  ReportLicence(argument: _guian_v1_ReportLicenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  ReportLicence(argument: _guian_v1_ReportLicenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  ReportLicence(argument: _guian_v1_ReportLicenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  ReportLicence(argument: _guian_v1_ReportLicenceRequest, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  reportLicence(argument: _guian_v1_ReportLicenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  reportLicence(argument: _guian_v1_ReportLicenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  reportLicence(argument: _guian_v1_ReportLicenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  reportLicence(argument: _guian_v1_ReportLicenceRequest, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  
  ScaleAdvice(argument: _guian_v1_ScaleAdviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  ScaleAdvice(argument: _guian_v1_ScaleAdviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  ScaleAdvice(argument: _guian_v1_ScaleAdviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  ScaleAdvice(argument: _guian_v1_ScaleAdviceRequest, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  scaleAdvice(argument: _guian_v1_ScaleAdviceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  scaleAdvice(argument: _guian_v1_ScaleAdviceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  scaleAdvice(argument: _guian_v1_ScaleAdviceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  scaleAdvice(argument: _guian_v1_ScaleAdviceRequest, callback: grpc.requestCallback<_guian_v1_ScaleAdviceResponse__Output>): grpc.ClientUnaryCall;
  
  SetLicence(argument: _guian_v1_SetLicenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  SetLicence(argument: _guian_v1_SetLicenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  SetLicence(argument: _guian_v1_SetLicenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  SetLicence(argument: _guian_v1_SetLicenceRequest, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  setLicence(argument: _guian_v1_SetLicenceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  setLicence(argument: _guian_v1_SetLicenceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  setLicence(argument: _guian_v1_SetLicenceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  setLicence(argument: _guian_v1_SetLicenceRequest, callback: grpc.requestCallback<_guian_v1_Licence__Output>): grpc.ClientUnaryCall;
  
  SetPool(argument: _guian_v1_SetPoolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  SetPool(argument: _guian_v1_SetPoolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  SetPool(argument: _guian_v1_SetPoolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  SetPool(argument: _guian_v1_SetPoolRequest, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  setPool(argument: _guian_v1_SetPoolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  setPool(argument: _guian_v1_SetPoolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  setPool(argument: _guian_v1_SetPoolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  setPool(argument: _guian_v1_SetPoolRequest, callback: grpc.requestCallback<_guian_v1_Pool__Output>): grpc.ClientUnaryCall;
  
  SetStudio(argument: _guian_v1_SetStudioRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  SetStudio(argument: _guian_v1_SetStudioRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  SetStudio(argument: _guian_v1_SetStudioRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  SetStudio(argument: _guian_v1_SetStudioRequest, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  setStudio(argument: _guian_v1_SetStudioRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  setStudio(argument: _guian_v1_SetStudioRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  setStudio(argument: _guian_v1_SetStudioRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  setStudio(argument: _guian_v1_SetStudioRequest, callback: grpc.requestCallback<_guian_v1_Studio__Output>): grpc.ClientUnaryCall;
  
}

export interface AdminServiceHandlers extends grpc.UntypedServiceImplementation {
  ListJournal: grpc.handleUnaryCall<_guian_v1_ListJournalRequest__Output, _guian_v1_ListJournalResponse>;
  
  ListLicences: grpc.handleUnaryCall<_guian_v1_ListLicencesRequest__Output, _guian_v1_ListLicencesResponse>;
  
  ListPools: grpc.handleUnaryCall<_guian_v1_ListPoolsRequest__Output, _guian_v1_ListPoolsResponse>;
  
  ListStudios: grpc.handleUnaryCall<_guian_v1_ListStudiosRequest__Output, _guian_v1_ListStudiosResponse>;
  
  RemoveLicence: grpc.handleUnaryCall<_guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse>;
  
  RemovePool: grpc.handleUnaryCall<_guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse>;
  
  RemoveStudio: grpc.handleUnaryCall<_guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse>;
  
  ReportLicence: grpc.handleUnaryCall<_guian_v1_ReportLicenceRequest__Output, _guian_v1_Licence>;
  
  ScaleAdvice: grpc.handleUnaryCall<_guian_v1_ScaleAdviceRequest__Output, _guian_v1_ScaleAdviceResponse>;
  
  SetLicence: grpc.handleUnaryCall<_guian_v1_SetLicenceRequest__Output, _guian_v1_Licence>;
  
  SetPool: grpc.handleUnaryCall<_guian_v1_SetPoolRequest__Output, _guian_v1_Pool>;
  
  SetStudio: grpc.handleUnaryCall<_guian_v1_SetStudioRequest__Output, _guian_v1_Studio>;
  
}

export interface AdminServiceDefinition extends grpc.ServiceDefinition {
  ListJournal: MethodDefinition<_guian_v1_ListJournalRequest, _guian_v1_ListJournalResponse, _guian_v1_ListJournalRequest__Output, _guian_v1_ListJournalResponse__Output>
  ListLicences: MethodDefinition<_guian_v1_ListLicencesRequest, _guian_v1_ListLicencesResponse, _guian_v1_ListLicencesRequest__Output, _guian_v1_ListLicencesResponse__Output>
  ListPools: MethodDefinition<_guian_v1_ListPoolsRequest, _guian_v1_ListPoolsResponse, _guian_v1_ListPoolsRequest__Output, _guian_v1_ListPoolsResponse__Output>
  ListStudios: MethodDefinition<_guian_v1_ListStudiosRequest, _guian_v1_ListStudiosResponse, _guian_v1_ListStudiosRequest__Output, _guian_v1_ListStudiosResponse__Output>
  RemoveLicence: MethodDefinition<_guian_v1_RemoveRequest, _guian_v1_RemoveResponse, _guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse__Output>
  RemovePool: MethodDefinition<_guian_v1_RemoveRequest, _guian_v1_RemoveResponse, _guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse__Output>
  RemoveStudio: MethodDefinition<_guian_v1_RemoveRequest, _guian_v1_RemoveResponse, _guian_v1_RemoveRequest__Output, _guian_v1_RemoveResponse__Output>
  ReportLicence: MethodDefinition<_guian_v1_ReportLicenceRequest, _guian_v1_Licence, _guian_v1_ReportLicenceRequest__Output, _guian_v1_Licence__Output>
  ScaleAdvice: MethodDefinition<_guian_v1_ScaleAdviceRequest, _guian_v1_ScaleAdviceResponse, _guian_v1_ScaleAdviceRequest__Output, _guian_v1_ScaleAdviceResponse__Output>
  SetLicence: MethodDefinition<_guian_v1_SetLicenceRequest, _guian_v1_Licence, _guian_v1_SetLicenceRequest__Output, _guian_v1_Licence__Output>
  SetPool: MethodDefinition<_guian_v1_SetPoolRequest, _guian_v1_Pool, _guian_v1_SetPoolRequest__Output, _guian_v1_Pool__Output>
  SetStudio: MethodDefinition<_guian_v1_SetStudioRequest, _guian_v1_Studio, _guian_v1_SetStudioRequest__Output, _guian_v1_Studio__Output>
}
