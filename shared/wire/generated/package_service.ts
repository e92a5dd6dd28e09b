import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlobChunk as _guian_v1_BlobChunk, BlobChunk__Output as _guian_v1_BlobChunk__Output } from './guian/v1/BlobChunk.js';
import type { BlobRef as _guian_v1_BlobRef, BlobRef__Output as _guian_v1_BlobRef__Output } from './guian/v1/BlobRef.js';
import type { BlockedJob as _guian_v1_BlockedJob, BlockedJob__Output as _guian_v1_BlockedJob__Output } from './guian/v1/BlockedJob.js';
import type { DownloadBlobRequest as _guian_v1_DownloadBlobRequest, DownloadBlobRequest__Output as _guian_v1_DownloadBlobRequest__Output } from './guian/v1/DownloadBlobRequest.js';
import type { Environment as _guian_v1_Environment, Environment__Output as _guian_v1_Environment__Output } from './guian/v1/Environment.js';
import type { FailedAttempt as _guian_v1_FailedAttempt, FailedAttempt__Output as _guian_v1_FailedAttempt__Output } from './guian/v1/FailedAttempt.js';
import type { FailedTile as _guian_v1_FailedTile, FailedTile__Output as _guian_v1_FailedTile__Output } from './guian/v1/FailedTile.js';
import type { FinishedTile as _guian_v1_FinishedTile, FinishedTile__Output as _guian_v1_FinishedTile__Output } from './guian/v1/FinishedTile.js';
import type { FrameFile as _guian_v1_FrameFile, FrameFile__Output as _guian_v1_FrameFile__Output } from './guian/v1/FrameFile.js';
import type { FrameRecord as _guian_v1_FrameRecord, FrameRecord__Output as _guian_v1_FrameRecord__Output } from './guian/v1/FrameRecord.js';
import type { Gpu as _guian_v1_Gpu, Gpu__Output as _guian_v1_Gpu__Output } from './guian/v1/Gpu.js';
import type { InspectRequest as _guian_v1_InspectRequest, InspectRequest__Output as _guian_v1_InspectRequest__Output } from './guian/v1/InspectRequest.js';
import type { Job as _guian_v1_Job, Job__Output as _guian_v1_Job__Output } from './guian/v1/Job.js';
import type { JobEvent as _guian_v1_JobEvent, JobEvent__Output as _guian_v1_JobEvent__Output } from './guian/v1/JobEvent.js';
import type { JobNeeds as _guian_v1_JobNeeds, JobNeeds__Output as _guian_v1_JobNeeds__Output } from './guian/v1/JobNeeds.js';
import type { JobProgress as _guian_v1_JobProgress, JobProgress__Output as _guian_v1_JobProgress__Output } from './guian/v1/JobProgress.js';
import type { JobSchedule as _guian_v1_JobSchedule, JobSchedule__Output as _guian_v1_JobSchedule__Output } from './guian/v1/JobSchedule.js';
import type { JobSpec as _guian_v1_JobSpec, JobSpec__Output as _guian_v1_JobSpec__Output } from './guian/v1/JobSpec.js';
import type { MissingBlob as _guian_v1_MissingBlob, MissingBlob__Output as _guian_v1_MissingBlob__Output } from './guian/v1/MissingBlob.js';
import type { MissingBlobsRequest as _guian_v1_MissingBlobsRequest, MissingBlobsRequest__Output as _guian_v1_MissingBlobsRequest__Output } from './guian/v1/MissingBlobsRequest.js';
import type { MissingBlobsResponse as _guian_v1_MissingBlobsResponse, MissingBlobsResponse__Output as _guian_v1_MissingBlobsResponse__Output } from './guian/v1/MissingBlobsResponse.js';
import type { Node as _guian_v1_Node, Node__Output as _guian_v1_Node__Output } from './guian/v1/Node.js';
import type { NodeJob as _guian_v1_NodeJob, NodeJob__Output as _guian_v1_NodeJob__Output } from './guian/v1/NodeJob.js';
import type { PackageFile as _guian_v1_PackageFile, PackageFile__Output as _guian_v1_PackageFile__Output } from './guian/v1/PackageFile.js';
import type { PackageManifest as _guian_v1_PackageManifest, PackageManifest__Output as _guian_v1_PackageManifest__Output } from './guian/v1/PackageManifest.js';
import type { PackageServiceClient as _guian_v1_PackageServiceClient, PackageServiceDefinition as _guian_v1_PackageServiceDefinition } from './guian/v1/PackageService.js';
import type { RenderSettings as _guian_v1_RenderSettings, RenderSettings__Output as _guian_v1_RenderSettings__Output } from './guian/v1/RenderSettings.js';
import type { RendererInfo as _guian_v1_RendererInfo, RendererInfo__Output as _guian_v1_RendererInfo__Output } from './guian/v1/RendererInfo.js';
import type { SceneFile as _guian_v1_SceneFile, SceneFile__Output as _guian_v1_SceneFile__Output } from './guian/v1/SceneFile.js';
import type { SceneInspection as _guian_v1_SceneInspection, SceneInspection__Output as _guian_v1_SceneInspection__Output } from './guian/v1/SceneInspection.js';
import type { SyntheticSettings as _guian_v1_SyntheticSettings, SyntheticSettings__Output as _guian_v1_SyntheticSettings__Output } from './guian/v1/SyntheticSettings.js';
import type { UploadBlobRequest as _guian_v1_UploadBlobRequest, UploadBlobRequest__Output as _guian_v1_UploadBlobRequest__Output } from './guian/v1/UploadBlobRequest.js';
import type { UploadBlobResponse as _guian_v1_UploadBlobResponse, UploadBlobResponse__Output as _guian_v1_UploadBlobResponse__Output } from './guian/v1/UploadBlobResponse.js';
import type { UploadHeader as _guian_v1_UploadHeader, UploadHeader__Output as _guian_v1_UploadHeader__Output } from './guian/v1/UploadHeader.js';
import type { Wait as _guian_v1_Wait, Wait__Output as _guian_v1_Wait__Output } from './guian/v1/Wait.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  guian: {
    v1: {
      BlobChunk: MessageTypeDefinition<_guian_v1_BlobChunk, _guian_v1_BlobChunk__Output>
      BlobRef: MessageTypeDefinition<_guian_v1_BlobRef, _guian_v1_BlobRef__Output>
      BlockedJob: MessageTypeDefinition<_guian_v1_BlockedJob, _guian_v1_BlockedJob__Output>
      DownloadBlobRequest: MessageTypeDefinition<_guian_v1_DownloadBlobRequest, _guian_v1_DownloadBlobRequest__Output>
      Environment: MessageTypeDefinition<_guian_v1_Environment, _guian_v1_Environment__Output>
      FailedAttempt: MessageTypeDefinition<_guian_v1_FailedAttempt, _guian_v1_FailedAttempt__Output>
      FailedTile: MessageTypeDefinition<_guian_v1_FailedTile, _guian_v1_FailedTile__Output>
      FinishedTile: MessageTypeDefinition<_guian_v1_FinishedTile, _guian_v1_FinishedTile__Output>
      FrameFile: MessageTypeDefinition<_guian_v1_FrameFile, _guian_v1_FrameFile__Output>
      FrameRecord: MessageTypeDefinition<_guian_v1_FrameRecord, _guian_v1_FrameRecord__Output>
      Gpu: MessageTypeDefinition<_guian_v1_Gpu, _guian_v1_Gpu__Output>
      InspectRequest: MessageTypeDefinition<_guian_v1_InspectRequest, _guian_v1_InspectRequest__Output>
      Job: MessageTypeDefinition<_guian_v1_Job, _guian_v1_Job__Output>
      JobEvent: MessageTypeDefinition<_guian_v1_JobEvent, _guian_v1_JobEvent__Output>
      JobNeeds: MessageTypeDefinition<_guian_v1_JobNeeds, _guian_v1_JobNeeds__Output>
      JobProgress: MessageTypeDefinition<_guian_v1_JobProgress, _guian_v1_JobProgress__Output>
      JobSchedule: MessageTypeDefinition<_guian_v1_JobSchedule, _guian_v1_JobSchedule__Output>
      JobSpec: MessageTypeDefinition<_guian_v1_JobSpec, _guian_v1_JobSpec__Output>
      MissingBlob: MessageTypeDefinition<_guian_v1_MissingBlob, _guian_v1_MissingBlob__Output>
      MissingBlobsRequest: MessageTypeDefinition<_guian_v1_MissingBlobsRequest, _guian_v1_MissingBlobsRequest__Output>
      MissingBlobsResponse: MessageTypeDefinition<_guian_v1_MissingBlobsResponse, _guian_v1_MissingBlobsResponse__Output>
      Node: MessageTypeDefinition<_guian_v1_Node, _guian_v1_Node__Output>
      NodeJob: MessageTypeDefinition<_guian_v1_NodeJob, _guian_v1_NodeJob__Output>
      PackageFile: MessageTypeDefinition<_guian_v1_PackageFile, _guian_v1_PackageFile__Output>
      PackageManifest: MessageTypeDefinition<_guian_v1_PackageManifest, _guian_v1_PackageManifest__Output>
      PackageService: SubtypeConstructor<typeof grpc.Client, _guian_v1_PackageServiceClient> & { service: _guian_v1_PackageServiceDefinition }
      RenderSettings: MessageTypeDefinition<_guian_v1_RenderSettings, _guian_v1_RenderSettings__Output>
      RendererInfo: MessageTypeDefinition<_guian_v1_RendererInfo, _guian_v1_RendererInfo__Output>
      SceneFile: MessageTypeDefinition<_guian_v1_SceneFile, _guian_v1_SceneFile__Output>
      SceneInspection: MessageTypeDefinition<_guian_v1_SceneInspection, _guian_v1_SceneInspection__Output>
      SyntheticSettings: MessageTypeDefinition<_guian_v1_SyntheticSettings, _guian_v1_SyntheticSettings__Output>
      UploadBlobRequest: MessageTypeDefinition<_guian_v1_UploadBlobRequest, _guian_v1_UploadBlobRequest__Output>
      UploadBlobResponse: MessageTypeDefinition<_guian_v1_UploadBlobResponse, _guian_v1_UploadBlobResponse__Output>
      UploadHeader: MessageTypeDefinition<_guian_v1_UploadHeader, _guian_v1_UploadHeader__Output>
      Wait: MessageTypeDefinition<_guian_v1_Wait, _guian_v1_Wait__Output>
    }
  }
}

