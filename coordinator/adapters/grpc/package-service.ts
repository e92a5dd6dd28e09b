/** PackageService: which blobs are missing, resumable uploads, downloads for agents, and what is in a scene. */
import { open } from 'node:fs/promises';
import type * as grpc from '@grpc/grpc-js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import type { PackageServiceHandlers } from '#shared/wire/generated/guian/v1/PackageService.js';
import type { UploadBlobRequest__Output } from '#shared/wire/generated/guian/v1/UploadBlobRequest.js';
import type { UploadBlobResponse } from '#shared/wire/generated/guian/v1/UploadBlobResponse.js';
import { assertBlobs } from '../../jobs/assert-blobs.js';
import { assertMayRunScripts, type ScriptPolicy } from '../../jobs/script-policy.js';
import type { SceneInspector } from '../../judging/inspect-on-node.js';
import type { BlobStore, BlobUpload } from '../store/blob-store.js';
import { type Send, serverStream, toStatusLogged, unary } from './handlers.js';
import { type BlobAddress, toBlob, toDigest, toInspection, toOffset } from './to-domain.js';
import { toWireInspection } from './to-wire.js';

const CHUNK_BYTES = 256 * 1024;

export interface PackageServiceParts {
  readonly blobs: BlobStore;
  readonly inspector: Pick<SceneInspector, 'inspect'>;
  readonly scriptPolicy: ScriptPolicy;
  readonly log: Logger;
}

export function packageService({
  blobs,
  inspector,
  scriptPolicy,
  log,
}: PackageServiceParts): PackageServiceHandlers {
  return {
    Inspect: unary(log, async (request) => {
      const { studio, ...wanted } = toInspection(request);
      assertMayRunScripts(scriptPolicy, studio, wanted.allowScripts);
      await assertBlobs(blobs, wanted.manifest, 'manifest');
      return toWireInspection(await inspector.inspect(wanted));
    }),

    MissingBlobs: unary(log, async ({ blobs: asked }) => {
      if (asked.length > LIMITS.packageFilesMax)
        throw new FarmError(
          'JOB_SPEC_INVALID',
          `blobs has ${asked.length} entries; at most ${LIMITS.packageFilesMax} are allowed`,
        );
      const missing = [];
      for (const [index, blob] of asked.entries()) {
        const { digest } = toBlob(blob, `blobs.${index}`);
        if ((await blobs.sizeOf(digest)) === undefined)
          missing.push({ digest, offsetBytes: await blobs.uploadedBytes(digest) });
      }
      return { missing };
    }),

    UploadBlob: (call, done) => {
      receiveBlob(blobs, call).then(
        (response) => done(null, response),
        (error: unknown) => done(toStatusLogged(log, call.getPath(), error)),
      );
    },

    DownloadBlob: serverStream(log, async (request, send, signal) => {
      const digest = toDigest(request.digest, 'digest');
      const sizeBytes = await blobs.sizeOf(digest);
      if (sizeBytes === undefined)
        throw new FarmError('BLOB_NOT_FOUND', `the store has no blob ${digest}`, { digest });
      const offsetBytes = toOffset(request.offsetBytes, 'offset_bytes');
      await sendFile(
        blobs.pathOf(digest),
        offsetBytes,
        (data, offset) => send({ offsetBytes: offset, data }),
        signal,
      );
    }),
  };
}

/**
 * Sends a file in chunks at the reader's pace, holding one chunk.
 * A file that is empty, or ends at `offsetBytes`, gives no chunk.
 */
export async function sendFile(
  path: string,
  offsetBytes: number,
  send: (data: Buffer, offsetBytes: number) => ReturnType<Send<unknown>>,
  signal: AbortSignal,
): Promise<void> {
  const file = await open(path, 'r');
  try {
    for (let position = offsetBytes; ; ) {
      signal.throwIfAborted();
      // A new buffer each time: the transport may still hold the last one.
      const { bytesRead, buffer } = await file.read(
        Buffer.allocUnsafe(CHUNK_BYTES),
        0,
        CHUNK_BYTES,
        position,
      );
      if (bytesRead === 0) return;
      await send(buffer.subarray(0, bytesRead), position);
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function receiveBlob(
  blobs: BlobStore,
  call: grpc.ServerReadableStream<UploadBlobRequest__Output, UploadBlobResponse>,
): Promise<UploadBlobResponse> {
  let blob: BlobAddress | undefined;
  let upload: BlobUpload | undefined;
  try {
    for await (const request of call as AsyncIterable<UploadBlobRequest__Output>) {
      if (!upload) {
        if (!request.header)
          throw new FarmError('JOB_SPEC_INVALID', 'the first message of an upload must be its header');
        blob = toBlob(request.header.blob, 'header.blob');
        const offsetBytes = toOffset(request.header.offsetBytes, 'header.offset_bytes');
        upload = await blobs.openUpload(blob.digest, blob.sizeBytes, offsetBytes);
        if (upload.isComplete) break;
      } else {
        if (!request.data) throw new FarmError('JOB_SPEC_INVALID', 'an upload has one header, then data');
        if (request.data.byteLength > LIMITS.uploadChunkBytesMax)
          throw new FarmError(
            'JOB_SPEC_INVALID',
            `data has ${request.data.byteLength} bytes; send chunks of at most ${LIMITS.uploadChunkBytesMax}`,
          );
        await upload.write(request.data);
      }
    }
    if (!upload || !blob) throw new FarmError('JOB_SPEC_INVALID', 'the upload ended before its header');
    await upload.finish();
    return { digest: blob.digest, sizeBytes: blob.sizeBytes };
  } finally {
    await upload?.close();
  }
}
