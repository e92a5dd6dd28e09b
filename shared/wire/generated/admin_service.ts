import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AdminServiceClient as _guian_v1_AdminServiceClient, AdminServiceDefinition as _guian_v1_AdminServiceDefinition } from './guian/v1/AdminService.js';
import type { BlockedJob as _guian_v1_BlockedJob, BlockedJob__Output as _guian_v1_BlockedJob__Output } from './guian/v1/BlockedJob.js';
import type { Environment as _guian_v1_Environment, Environment__Output as _guian_v1_Environment__Output } from './guian/v1/Environment.js';
import type { FailedAttempt as _guian_v1_FailedAttempt, FailedAttempt__Output as _guian_v1_FailedAttempt__Output } from './guian/v1/FailedAttempt.js';
import type { FailedTile as _guian_v1_FailedTile, FailedTile__Output as _guian_v1_FailedTile__Output } from './guian/v1/FailedTile.js';
import type { FinishedTile as _guian_v1_FinishedTile, FinishedTile__Output as _guian_v1_FinishedTile__Output } from './guian/v1/FinishedTile.js';
import type { FrameFile as _guian_v1_FrameFile, FrameFile__Output as _guian_v1_FrameFile__Output } from './guian/v1/FrameFile.js';
import type { FrameRecord as _guian_v1_FrameRecord, FrameRecord__Output as _guian_v1_FrameRecord__Output } from './guian/v1/FrameRecord.js';
import type { Gpu as _guian_v1_Gpu, Gpu__Output as _guian_v1_Gpu__Output } from './guian/v1/Gpu.js';
import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from './guian/v1/Job.js';
import type { JobEvent as _guian_v1_JobEvent, JobEvent__Output as _guian_v1_JobEvent__Output } from './guian/v1/JobEvent.js';
import type { JobNeeds as _guian_v1_JobNeeds, JobNeeds__Output as _guian_v1_JobNeeds__Output } from './guian/v1/JobNeeds.js';
import type { JobProgress as _guian_v1_JobProgress, JobProgress__Output as _guian_v1_JobProgress__Output } from './guian/v1/JobProgress.js';
import type { JobSchedule as _guian_v1_JobSchedule, JobSchedule__Output as _guian_v1_JobSchedule__Output } from './guian/v1/JobSchedule.js';
import type { JobSpec as _guian_v1_JobSpec, JobSpec__Output as _guian_v1_JobSpec__Output } from './guian/v1/JobSpec.js';
import type { JournalEntry as _guian_v1_JournalEntry, JournalEntry__Output as _guian_v1_JournalEntry__Output } from './guian/v1/JournalEntry.js';
import type { Licence as _guian_v1_Licence, Licence__Output as _guian_v1_Licence__Output } from './guian/v1/Licence.js';
import type { ListJournalRequest as _guian_v1_ListJournalRequest, ListJournalRequest__Output as _guian_v1_ListJournalRequest__Output } from './guian/v1/ListJournalRequest.js';
import type { ListJournalResponse as _guian_v1_ListJournalResponse, ListJournalResponse__Output as _guian_v1_ListJournalResponse__Output } from './guian/v1/ListJournalResponse.js';
import type { ListLicencesRequest as _guian_v1_ListLicencesRequest, ListLicencesRequest__Output as _guian_v1_ListLicencesRequest__Output } from './guian/v1/ListLicencesRequest.js';
import type { ListLicencesResponse as _guian_v1_ListLicencesResponse, ListLicencesResponse__Output as _guian_v1_ListLicencesResponse__Output } from './guian/v1/ListLicencesResponse.js';
import type { ListPoolsRequest as _guian_v1_ListPoolsRequest, ListPoolsRequest__Output as _guian_v1_ListPoolsRequest__Output } from './guian/v1/ListPoolsRequest.js';
import type { ListPoolsResponse as _guian_v1_ListPoolsResponse, ListPoolsResponse__Output as _guian_v1_ListPoolsResponse__Output } from './guian/v1/ListPoolsResponse.js';
import type { ListStudiosRequest as _guian_v1_ListStudiosRequest, ListStudiosRequest__Output as _guian_v1_ListStudiosRequest__Output } from './guian/v1/ListStudiosRequest.js';
import type { ListStudiosResponse as _guian_v1_ListStudiosResponse, ListStudiosResponse__Output as _guian_v1_ListStudiosResponse__Output } from './guian/v1/ListStudiosResponse.js';
import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from './guian/v1/Node.js';
import type { NodeJob as _guian_v1_NodeJob, NodeJob__Output as _guian_v1_NodeJob__Output } from './guian/v1/NodeJob.js';
import type { PackageFile as _guian_v1_PackageFile, PackageFile__Output as _guian_v1_PackageFile__Output } from './guian/v1/PackageFile.js';
import type { PackageManifest as _guian_v1_PackageManifest, PackageManifest__Output as _guian_v1_PackageManifest__Output } from './guian/v1/PackageManifest.js';
import type { Pool as _guian_v1_Pool, Pool__Output as _guian_v1_Pool__Output } from './guian/v1/Pool.js';
import type { PoolAdvice as _guian_v1_PoolAdvice, PoolAdvice__Output as _guian_v1_PoolAdvice__Output } from './guian/v1/PoolAdvice.js';
import type { RemoveRequest as _guian_v1_RemoveRequest, RemoveRequest__Output as _guian_v1_RemoveRequest__Output } from './guian/v1/RemoveRequest.js';
import type { RemoveResponse as _guian_v1_RemoveResponse, RemoveResponse__Output as _guian_v1_RemoveResponse__Output } from './guian/v1/RemoveResponse.js';
import type { RenderSettings as _guian_v1_RenderSettings, RenderSettings__Output as _guian_v1_RenderSettings__Output } from './guian/v1/RenderSettings.js';
import type { RendererInfo as _guian_v1_RendererInfo, RendererInfo__Output as _guian_v1_RendererInfo__Output } from './guian/v1/RendererInfo.js';
import type { ReportLicenceRequest as _guian_v1_ReportLicenceRequest, ReportLicenceRequest__Output as _guian_v1_ReportLicenceRequest__Output } from './guian/v1/ReportLicenceRequest.js';
import type { ScaleAdviceRequest as _guian_v1_ScaleAdviceRequest, ScaleAdviceRequest__Output as _guian_v1_ScaleAdviceRequest__Output } from './guian/v1/ScaleAdviceRequest.js';
import type { ScaleAdviceResponse as _guian_v1_ScaleAdviceResponse, ScaleAdviceResponse__Output as _guian_v1_ScaleAdviceResponse__Output } from './guian/v1/ScaleAdviceResponse.js';
import type { SceneFile as _guian_v1_SceneFile, SceneFile__Output as _guian_v1_SceneFile__Output } from './guian/v1/SceneFile.js';
import type { SceneInspection as _guian_v1_SceneInspection, SceneInspection__Output as _guian_v1_SceneInspection__Output } from './guian/v1/SceneInspection.js';
import type { SetLicenceRequest as _guian_v1_SetLicenceRequest, SetLicenceRequest__Output as _guian_v1_SetLicenceRequest__Output } from './guian/v1/SetLicenceRequest.js';
import type { SetPoolRequest as _guian_v1_SetPoolRequest, SetPoolRequest__Output as _guian_v1_SetPoolRequest__Output } from './guian/v1/SetPoolRequest.js';
import type { SetStudioRequest as _guian_v1_SetStudioRequest, SetStudioRequest__Output as _guian_v1_SetStudioRequest__Output } from './guian/v1/SetStudioRequest.js';
import type { Studio as _guian_v1_Studio, Studio__Output as _guian_v1_Studio__Output } from './guian/v1/Studio.js';
import type { SyntheticSettings as _guian_v1_SyntheticSettings, SyntheticSettings__Output as _guian_v1_SyntheticSettings__Output } from './guian/v1/SyntheticSettings.js';
import type { Wait as _guian_v1_Wait, Wait__Output as _guian_v1_Wait__Output } from './guian/v1/Wait.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  guian: {
    v1: {
      AdminService: SubtypeConstructor<typeof grpc.Client, _guian_v1_AdminServiceClient> & { service: _guian_v1_AdminServiceDefinition }
      BlockedJob: MessageTypeDefinition<_guian_v1_BlockedJob, _guian_v1_BlockedJob__Output>
      Environment: MessageTypeDefinition<_guian_v1_Environment, _guian_v1_Environment__Output>
      FailedAttempt: MessageTypeDefinition<_guian_v1_FailedAttempt, _guian_v1_FailedAttempt__Output>
      FailedTile: MessageTypeDefinition<_guian_v1_FailedTile, _guian_v1_FailedTile__Output>
      FinishedTile: MessageTypeDefinition<_guian_v1_FinishedTile, _guian_v1_FinishedTile__Output>
      FrameFile: MessageTypeDefinition<_guian_v1_FrameFile, _guian_v1_FrameFile__Output>
      FrameRecord: MessageTypeDefinition<_guian_v1_FrameRecord, _guian_v1_FrameRecord__Output>
      Gpu: MessageTypeDefinition<_guian_v1_Gpu, _guian_v1_Gpu__Output>
      Job: MessageTypeDefinition<_guian_v1_Job, _guian_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_guian_v1_JobEvent, _guian_v1_JobEvent__Output>
      JobNeeds: MessageTypeDefinition<_guian_v1_JobNeeds, _guian_v1_JobNeeds__Output>
      JobProgress: MessageTypeDefinition<_guian_v1_JobProgress, _guian_v1_JobProgress__Output>
      JobSchedule: MessageTypeDefinition<_guian_v1_JobSchedule, _guian_v1_JobSchedule__Output>
      JobSpec: MessageTypeDefinition<_guian_v1_JobSpec, _guian_v1_JobSpec__Output>
      JournalEntry: MessageTypeDefinition<_guian_v1_JournalEntry, _guian_v1_JournalEntry__Output>
      Licence: MessageTypeDefinition<_guian_v1_Licence, _guian_v1_Licence__Output>
      ListJournalRequest: MessageTypeDefinition<_guian_v1_ListJournalRequest, _guian_v1_ListJournalRequest__Output>
      ListJournalResponse: MessageTypeDefinition<_guian_v1_ListJournalResponse, _guian_v1_ListJournalResponse__Output>
      ListLicencesRequest: MessageTypeDefinition<_guian_v1_ListLicencesRequest, _guian_v1_ListLicencesRequest__Output>
      ListLicencesResponse: MessageTypeDefinition<_guian_v1_ListLicencesResponse, _guian_v1_ListLicencesResponse__Output>
      ListPoolsRequest: MessageTypeDefinition<_guian_v1_ListPoolsRequest, _guian_v1_ListPoolsRequest__Output>
      ListPoolsResponse: MessageTypeDefinition<_guian_v1_ListPoolsResponse, _guian_v1_ListPoolsResponse__Output>
      ListStudiosRequest: MessageTypeDefinition<_guian_v1_ListStudiosRequest, _guian_v1_ListStudiosRequest__Output>
      ListStudiosResponse: MessageTypeDefinition<_guian_v1_ListStudiosResponse, _guian_v1_ListStudiosResponse__Output>
      Node: MessageTypeDefinition<_guian_v1_Node, _guian_v1_Node__Output>
      NodeJob: MessageTypeDefinition<_guian_v1_NodeJob, _guian_v1_NodeJob__Output>
      PackageFile: MessageTypeDefinition<_guian_v1_PackageFile, _guian_v1_PackageFile__Output>
      PackageManifest: MessageTypeDefinition<_guian_v1_PackageManifest, _guian_v1_PackageManifest__Output>
      Pool: MessageTypeDefinition<_guian_v1_Pool, _guian_v1_Pool__Output>
      PoolAdvice: MessageTypeDefinition<_guian_v1_PoolAdvice, _guian_v1_PoolAdvice__Output>
      RemoveRequest: MessageTypeDefinition<_guian_v1_RemoveRequest, _guian_v1_RemoveRequest__Output>
      RemoveResponse: MessageTypeDefinition<_guian_v1_RemoveResponse, _guian_v1_RemoveResponse__Output>
      RenderSettings: MessageTypeDefinition<_guian_v1_RenderSettings, _guian_v1_RenderSettings__Output>
      RendererInfo: MessageTypeDefinition<_guian_v1_RendererInfo, _guian_v1_RendererInfo__Output>
      ReportLicenceRequest: MessageTypeDefinition<_guian_v1_ReportLicenceRequest, _guian_v1_ReportLicenceRequest__Output>
      ScaleAdviceRequest: MessageTypeDefinition<_guian_v1_ScaleAdviceRequest, _guian_v1_ScaleAdviceRequest__Output>
      ScaleAdviceResponse: MessageTypeDefinition<_guian_v1_ScaleAdviceResponse, _guian_v1_ScaleAdviceResponse__Output>
      SceneFile: MessageTypeDefinition<_guian_v1_SceneFile, _guian_v1_SceneFile__Output>
      SceneInspection: MessageTypeDefinition<_guian_v1_SceneInspection, _guian_v1_SceneInspection__Output>
      SetLicenceRequest: MessageTypeDefinition<_guian_v1_SetLicenceRequest, _guian_v1_SetLicenceRequest__Output>
      SetPoolRequest: MessageTypeDefinition<_guian_v1_SetPoolRequest, _guian_v1_SetPoolRequest__Output>
      SetStudioRequest: MessageTypeDefinition<_guian_v1_SetStudioRequest, _guian_v1_SetStudioRequest__Output>
      Studio: MessageTypeDefinition<_guian_v1_Studio, _guian_v1_Studio__Output>
      SyntheticSettings: MessageTypeDefinition<_guian_v1_SyntheticSettings, _guian_v1_SyntheticSettings__Output>
      Wait: MessageTypeDefinition<_guian_v1_Wait, _guian_v1_Wait__Output>
    }
  }
}

