/** Brings the blobs that the coordinator lacks to it: several at once, in chunks, each going on where it stopped. */
import { createReadStream } from 'node:fs';
import pLimit from 'p-limit';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { BlobRef } from '#shared/wire/generated/guian/v1/BlobRef.js';
import type { MissingBlobsResponse__Output } from '#shared/wire/generated/guian/v1/MissingBlobsResponse.js';
import { fromServiceError } from '#shared/wire/status.js';
import { pause } from '../process/pause.js';
import type { HashedFiles } from './hash-files.js';

const UPLOADS_AT_ONCE = 4;
const TRIES_MAX = 6;
const RETRY_DELAY_MS = 500;

/** @returns bytes sent. @throws BLOB_CORRUPT when a file changed meanwhile, COORDINATOR_UNAVAILABLE, DISK_FULL, … */
export async function uploadPackage(
  farm: CoordinatorClient,
  scene: HashedFiles,
  signal: AbortSignal,
): Promise<number> {
  const sizeOf = new Map(scene.manifest.files.map((file) => [file.digest as string, file.sizeBytes]));
  const blobs = [...sizeOf].map(([digest, sizeBytes]) => ({ digest, sizeBytes }));
  let sent = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      const missing = await missingBlobs(farm, blobs);
      const limit = pLimit(UPLOADS_AT_ONCE);
      const uploads = missing.map(({ digest, offsetBytes }) =>
        limit(async () => {
          const blob = { digest, sizeBytes: sizeOf.get(digest) ?? 0 };
          await uploadBlob(farm, blob, scene.fileOf.get(digest)!, offsetBytes, signal);
          sent += blob.sizeBytes - offsetBytes;
        }),
      );
      const failure = (await Promise.allSettled(uploads)).find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
      return sent;
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === TRIES_MAX || !canTryAgain(error)) throw error;
      await pause(RETRY_DELAY_MS * attempt, signal);
    }
  }
}

async function missingBlobs(farm: CoordinatorClient, blobs: BlobRef[]) {
  const answer = await call<MissingBlobsResponse__Output>(farm, (options, done) =>
    farm.packages.missingBlobs({ blobs }, options, done),
  );
  return answer.missing;
}

function canTryAgain(error: unknown): boolean {
  return (
    error instanceof FarmError &&
    (error.code === 'COORDINATOR_UNAVAILABLE' || error.code === 'UPLOAD_OFFSET_MISMATCH')
  );
}

async function uploadBlob(
  farm: CoordinatorClient,
  blob: { digest: string; sizeBytes: number },
  file: string | Buffer,
  offsetBytes: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  let finish: (error?: unknown) => void = () => undefined;
  const answered = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(fromServiceError(error, farm.address)) : resolve());
  });
  const upload = farm.packages.uploadBlob((error: unknown) => finish(error));
  // The answer may come while chunks are still read, and is awaited below.
  answered.catch(() => undefined);
  const cancel = (): void => upload.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    upload.write({ header: { blob, offsetBytes } });
    if (blob.sizeBytes > offsetBytes) {
      const range = {
        start: offsetBytes,
        end: blob.sizeBytes - 1,
        highWaterMark: LIMITS.uploadChunkBytesMax,
      };
      const source = typeof file === 'string' ? createReadStream(file, range) : [file.subarray(offsetBytes)];
      for await (const data of source) {
        if (upload.write({ data: data as Buffer })) continue;
        // A call that has ended never drains.
        await Promise.race([new Promise((resolve) => upload.once('drain', resolve)), answered]);
      }
    }
    upload.end();
    await answered;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
