import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlobChunk as _guian_v1_BlobChunk, BlobChunk__Output as _guian_v1_BlobChunk__Output } from './guian/v1/BlobChunk.js';
import type { BlobRef as _guian_v1_BlobRef, BlobRef__Output as _guian_v1_BlobRef__Output } from './guian/v1/BlobRef.js';
import type { DownloadBlobRequest as _guian_v1_DownloadBlobRequest, DownloadBlobRequest__Output as _guian_v1_DownloadBlobRequest__Output } from './guian/v1/DownloadBlobRequest.js';
import type { MissingBlob as _guian_v1_MissingBlob, MissingBlob__Output as _guian_v1_MissingBlob__Output } from './guian/v1/MissingBlob.js';
import type { MissingBlobsRequest as _guian_v1_MissingBlobsRequest, MissingBlobsRequest__Output as _guian_v1_MissingBlobsRequest__Output } from './guian/v1/MissingBlobsRequest.js';
import type { MissingBlobsResponse as _guian_v1_MissingBlobsResponse, MissingBlobsResponse__Output as _guian_v1_MissingBlobsResponse__Output } from './guian/v1/MissingBlobsResponse.js';
import type { PackageServiceClient as _guian_v1_PackageServiceClient, PackageServiceDefinition as _guian_v1_PackageServiceDefinition } from './guian/v1/PackageService.js';
import type { UploadBlobRequest as _guian_v1_UploadBlobRequest, UploadBlobRequest__Output as _guian_v1_UploadBlobRequest__Output } from './guian/v1/UploadBlobRequest.js';
import type { UploadBlobResponse as _guian_v1_UploadBlobResponse, UploadBlobResponse__Output as _guian_v1_UploadBlobResponse__Output } from './guian/v1/UploadBlobResponse.js';
import type { UploadHeader as _guian_v1_UploadHeader, UploadHeader__Output as _guian_v1_UploadHeader__Output } from './guian/v1/UploadHeader.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  guian: {
    v1: {
      BlobChunk: MessageTypeDefinition<_guian_v1_BlobChunk, _guian_v1_BlobChunk__Output>
      BlobRef: MessageTypeDefinition<_guian_v1_BlobRef, _guian_v1_BlobRef__Output>
      DownloadBlobRequest: MessageTypeDefinition<_guian_v1_DownloadBlobRequest, _guian_v1_DownloadBlobRequest__Output>
      MissingBlob: MessageTypeDefinition<_guian_v1_MissingBlob, _guian_v1_MissingBlob__Output>
      MissingBlobsRequest: MessageTypeDefinition<_guian_v1_MissingBlobsRequest, _guian_v1_MissingBlobsRequest__Output>
      MissingBlobsResponse: MessageTypeDefinition<_guian_v1_MissingBlobsResponse, _guian_v1_MissingBlobsResponse__Output>
      PackageService: SubtypeConstructor<typeof grpc.Client, _guian_v1_PackageServiceClient> & { service: _guian_v1_PackageServiceDefinition }
      UploadBlobRequest: MessageTypeDefinition<_guian_v1_UploadBlobRequest, _guian_v1_UploadBlobRequest__Output>
      UploadBlobResponse: MessageTypeDefinition<_guian_v1_UploadBlobResponse, _guian_v1_UploadBlobResponse__Output>
      UploadHeader: MessageTypeDefinition<_guian_v1_UploadHeader, _guian_v1_UploadHeader__Output>
    }
  }
}

