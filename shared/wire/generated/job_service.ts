import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlockedJob as _guian_v1_BlockedJob, BlockedJob__Output as _guian_v1_BlockedJob__Output } from './guian/v1/BlockedJob.js';
import type { CancelJobRequest as _guian_v1_CancelJobRequest, CancelJobRequest__Output as _guian_v1_CancelJobRequest__Output } from './guian/v1/CancelJobRequest.js';
import type { ControlJobRequest as _guian_v1_ControlJobRequest, ControlJobRequest__Output as _guian_v1_ControlJobRequest__Output } from './guian/v1/ControlJobRequest.js';
import type { Environment as _guian_v1_Environment, Environment__Output as _guian_v1_Environment__Output } from './guian/v1/Environment.js';
import type { FailedAttempt as _guian_v1_FailedAttempt, FailedAttempt__Output as _guian_v1_FailedAttempt__Output } from './guian/v1/FailedAttempt.js';
import type { FailedTile as _guian_v1_FailedTile, FailedTile__Output as _guian_v1_FailedTile__Output } from './guian/v1/FailedTile.js';
import type { FinishedTile as _guian_v1_FinishedTile, FinishedTile__Output as _guian_v1_FinishedTile__Output } from './guian/v1/FinishedTile.js';
import type { FrameFile as _guian_v1_FrameFile, FrameFile__Output as _guian_v1_FrameFile__Output } from './guian/v1/FrameFile.js';
import type { FrameRecord as _guian_v1_FrameRecord, FrameRecord__Output as _guian_v1_FrameRecord__Output } from './guian/v1/FrameRecord.js';
import type { GetJobRequest as _guian_v1_GetJobRequest, GetJobRequest__Output as _guian_v1_GetJobRequest__Output } from './guian/v1/GetJobRequest.js';
import type { Gpu as _guian_v1_Gpu, Gpu__Output as _guian_v1_Gpu__Output } from './guian/v1/Gpu.js';
import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from './guian/v1/Job.js';
import type { JobEvent as _guian_v1_JobEvent, JobEvent__Output as _guian_v1_JobEvent__Output } from './guian/v1/JobEvent.js';
import type { JobNeeds as _guian_v1_JobNeeds, JobNeeds__Output as _guian_v1_JobNeeds__Output } from './guian/v1/JobNeeds.js';
import type { JobProgress as _guian_v1_JobProgress, JobProgress__Output as _guian_v1_JobProgress__Output } from './guian/v1/JobProgress.js';
import type { JobSchedule as _guian_v1_JobSchedule, JobSchedule__Output as _guian_v1_JobSchedule__Output } from './guian/v1/JobSchedule.js';
import type { JobServiceClient as _guian_v1_JobServiceClient, JobServiceDefinition as _guian_v1_JobServiceDefinition } from './guian/v1/JobService.js';
import type { JobSpec as _guian_v1_JobSpec, JobSpec__Output as _guian_v1_JobSpec__Output } from './guian/v1/JobSpec.js';
import type { ListJobsRequest as _guian_v1_ListJobsRequest, ListJobsRequest__Output as _guian_v1_ListJobsRequest__Output } from './guian/v1/ListJobsRequest.js';
import type { ListJobsResponse as _guian_v1_ListJobsResponse, ListJobsResponse__Output as _guian_v1_ListJobsResponse__Output } from './guian/v1/ListJobsResponse.js';
import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from './guian/v1/Node.js';
import type { NodeJob as _guian_v1_NodeJob, NodeJob__Output as _guian_v1_NodeJob__Output } from './guian/v1/NodeJob.js';
import type { PackageFile as _guian_v1_PackageFile, PackageFile__Output as _guian_v1_PackageFile__Output } from './guian/v1/PackageFile.js';
import type { PackageManifest as _guian_v1_PackageManifest, PackageManifest__Output as _guian_v1_PackageManifest__Output } from './guian/v1/PackageManifest.js';
import type { RenderSettings as _guian_v1_RenderSettings, RenderSettings__Output as _guian_v1_RenderSettings__Output } from './guian/v1/RenderSettings.js';
import type { RendererInfo as _guian_v1_RendererInfo, RendererInfo__Output as _guian_v1_RendererInfo__Output } from './guian/v1/RendererInfo.js';
import type { RetryJobRequest as _guian_v1_RetryJobRequest, RetryJobRequest__Output as _guian_v1_RetryJobRequest__Output } from './guian/v1/RetryJobRequest.js';
import type { RetryJobResponse as _guian_v1_RetryJobResponse, RetryJobResponse__Output as _guian_v1_RetryJobResponse__Output } from './guian/v1/RetryJobResponse.js';
import type { SceneFile as _guian_v1_SceneFile, SceneFile__Output as _guian_v1_SceneFile__Output } from './guian/v1/SceneFile.js';
import type { SceneInspection as _guian_v1_SceneInspection, SceneInspection__Output as _guian_v1_SceneInspection__Output } from './guian/v1/SceneInspection.js';
import type { SubmitJobRequest as _guian_v1_SubmitJobRequest, SubmitJobRequest__Output as _guian_v1_SubmitJobRequest__Output } from './guian/v1/SubmitJobRequest.js';
import type { SubmitJobResponse as _guian_v1_SubmitJobResponse, SubmitJobResponse__Output as _guian_v1_SubmitJobResponse__Output } from './guian/v1/SubmitJobResponse.js';
import type { SyntheticSettings as _guian_v1_SyntheticSettings, SyntheticSettings__Output as _guian_v1_SyntheticSettings__Output } from './guian/v1/SyntheticSettings.js';
import type { Wait as _guian_v1_Wait, Wait__Output as _guian_v1_Wait__Output } from './guian/v1/Wait.js';
import type { WatchJobRequest as _guian_v1_WatchJobRequest, WatchJobRequest__Output as _guian_v1_WatchJobRequest__Output } from './guian/v1/WatchJobRequest.js';
import type { WhyJobRequest as _guian_v1_WhyJobRequest, WhyJobRequest__Output as _guian_v1_WhyJobRequest__Output } from './guian/v1/WhyJobRequest.js';
import type { WhyJobResponse as _guian_v1_WhyJobResponse, WhyJobResponse__Output as _guian_v1_WhyJobResponse__Output } from './guian/v1/WhyJobResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  guian: {
    v1: {
      BlockedJob: MessageTypeDefinition<_guian_v1_BlockedJob, _guian_v1_BlockedJob__Output>
      CancelJobRequest: MessageTypeDefinition<_guian_v1_CancelJobRequest, _guian_v1_CancelJobRequest__Output>
      ControlJobRequest: MessageTypeDefinition<_guian_v1_ControlJobRequest, _guian_v1_ControlJobRequest__Output>
      Environment: MessageTypeDefinition<_guian_v1_Environment, _guian_v1_Environment__Output>
      FailedAttempt: MessageTypeDefinition<_guian_v1_FailedAttempt, _guian_v1_FailedAttempt__Output>
      FailedTile: MessageTypeDefinition<_guian_v1_FailedTile, _guian_v1_FailedTile__Output>
      FinishedTile: MessageTypeDefinition<_guian_v1_FinishedTile, _guian_v1_FinishedTile__Output>
      FrameFile: MessageTypeDefinition<_guian_v1_FrameFile, _guian_v1_FrameFile__Output>
      FrameRecord: MessageTypeDefinition<_guian_v1_FrameRecord, _guian_v1_FrameRecord__Output>
      GetJobRequest: MessageTypeDefinition<_guian_v1_GetJobRequest, _guian_v1_GetJobRequest__Output>
      Gpu: MessageTypeDefinition<_guian_v1_Gpu, _guian_v1_Gpu__Output>
      Job: MessageTypeDefinition<_guian_v1_Job, _guian_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_guian_v1_JobEvent, _guian_v1_JobEvent__Output>
      JobNeeds: MessageTypeDefinition<_guian_v1_JobNeeds, _guian_v1_JobNeeds__Output>
      JobProgress: MessageTypeDefinition<_guian_v1_JobProgress, _guian_v1_JobProgress__Output>
      JobSchedule: MessageTypeDefinition<_guian_v1_JobSchedule, _guian_v1_JobSchedule__Output>
      JobService: SubtypeConstructor<typeof grpc.Client, _guian_v1_JobServiceClient> & { service: _guian_v1_JobServiceDefinition }
      JobSpec: MessageTypeDefinition<_guian_v1_JobSpec, _guian_v1_JobSpec__Output>
      ListJobsRequest: MessageTypeDefinition<_guian_v1_ListJobsRequest, _guian_v1_ListJobsRequest__Output>
      ListJobsResponse: MessageTypeDefinition<_guian_v1_ListJobsResponse, _guian_v1_ListJobsResponse__Output>
      Node: MessageTypeDefinition<_guian_v1_Node, _guian_v1_Node__Output>
      NodeJob: MessageTypeDefinition<_guian_v1_NodeJob, _guian_v1_NodeJob__Output>
      PackageFile: MessageTypeDefinition<_guian_v1_PackageFile, _guian_v1_PackageFile__Output>
      PackageManifest: MessageTypeDefinition<_guian_v1_PackageManifest, _guian_v1_PackageManifest__Output>
      RenderSettings: MessageTypeDefinition<_guian_v1_RenderSettings, _guian_v1_RenderSettings__Output>
      RendererInfo: MessageTypeDefinition<_guian_v1_RendererInfo, _guian_v1_RendererInfo__Output>
      RetryJobRequest: MessageTypeDefinition<_guian_v1_RetryJobRequest, _guian_v1_RetryJobRequest__Output>
      RetryJobResponse: MessageTypeDefinition<_guian_v1_RetryJobResponse, _guian_v1_RetryJobResponse__Output>
      SceneFile: MessageTypeDefinition<_guian_v1_SceneFile, _guian_v1_SceneFile__Output>
      SceneInspection: MessageTypeDefinition<_guian_v1_SceneInspection, _guian_v1_SceneInspection__Output>
      SubmitJobRequest: MessageTypeDefinition<_guian_v1_SubmitJobRequest, _guian_v1_SubmitJobRequest__Output>
      SubmitJobResponse: MessageTypeDefinition<_guian_v1_SubmitJobResponse, _guian_v1_SubmitJobResponse__Output>
      SyntheticSettings: MessageTypeDefinition<_guian_v1_SyntheticSettings, _guian_v1_SyntheticSettings__Output>
      Wait: MessageTypeDefinition<_guian_v1_Wait, _guian_v1_Wait__Output>
      WatchJobRequest: MessageTypeDefinition<_guian_v1_WatchJobRequest, _guian_v1_WatchJobRequest__Output>
      WhyJobRequest: MessageTypeDefinition<_guian_v1_WhyJobRequest, _guian_v1_WhyJobRequest__Output>
      WhyJobResponse: MessageTypeDefinition<_guian_v1_WhyJobResponse, _guian_v1_WhyJobResponse__Output>
    }
  }
}

