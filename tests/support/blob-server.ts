/** A real gRPC PackageService over blobs in memory, with faults that a test can order: for agents without a coordinator. */
import { createHash } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { digestSchema } from '#shared/domain/ids.js';
import { type PackageManifest, packageManifestSchema } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { loadProtos } from '#shared/wire/protos.js';
import { toStatus } from '#shared/wire/status.js';

export interface BlobServer extends AsyncDisposable {
  readonly address: string;
  /** Offsets of the downloads asked for so far, by digest. */
  readonly requests: { readonly digest: string; readonly offsetBytes: number }[];
  /** Adds the files and gives their package; the first is the entry. */
  add(files: Readonly<Record<string, string | Uint8Array>>): PackageManifest;
  /** The next download breaks off after so many bytes. */
  breakNextAfter(bytes: number): void;
  /** The next download has one byte wrong. */
  spoilNext(): void;
}

const CHUNK_BYTES = 64 * 1024;

export async function startBlobServer(): Promise<BlobServer> {
  const blobs = new Map<string, Buffer>();
  const requests: { digest: string; offsetBytes: number }[] = [];
  let breakAfter: number | undefined;
  let isSpoiling = false;
  const downloadBlob = (
    call: grpc.ServerWritableStream<{ digest: string; offsetBytes: number }, unknown>,
  ): void => {
    const { digest, offsetBytes } = call.request;
    requests.push({ digest, offsetBytes });
    const blob = blobs.get(digest);
    if (!blob) {
      call.emit('error', toStatus(new FarmError('BLOB_NOT_FOUND', `no blob ${digest}`)));
      return;
    }
    const stopAt = breakAfter === undefined ? blob.length : offsetBytes + breakAfter;
    const isBroken = breakAfter !== undefined;
    const spoils = isSpoiling;
    breakAfter = undefined;
    isSpoiling = false;
    for (let at = offsetBytes; at < stopAt; at += CHUNK_BYTES) {
      const data = Buffer.from(blob.subarray(at, Math.min(at + CHUNK_BYTES, stopAt)));
      if (spoils && at === offsetBytes) data[0]! ^= 1;
      call.write({ offsetBytes: at, data });
    }
    if (isBroken) call.emit('error', { code: grpc.status.UNAVAILABLE, details: 'ordered by the test' });
    else call.end();
  };
  const server = new grpc.Server();
  const unused = () => undefined;
  server.addService(loadProtos().v1.PackageService.service, {
    downloadBlob: downloadBlob as grpc.UntypedHandleCall,
    missingBlobs: unused as grpc.UntypedHandleCall,
    uploadBlob: unused as grpc.UntypedHandleCall,
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return {
    address: `127.0.0.1:${port}`,
    requests,
    add: (files) => {
      const entries = Object.entries(files).map(([path, content]) => {
        const bytes = Buffer.from(content as Uint8Array);
        const digest = digestSchema.parse(createHash('sha256').update(bytes).digest('hex'));
        blobs.set(digest, bytes);
        return { path, digest, sizeBytes: bytes.length };
      });
      return packageManifestSchema.parse({ entry: entries[0]!.path, files: entries });
    },
    breakNextAfter: (bytes) => {
      breakAfter = bytes;
    },
    spoilNext: () => {
      isSpoiling = true;
    },
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
