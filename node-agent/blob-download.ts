/**
 * One blob from the coordinator onto this disk: verified while it is written, resumed where a broken stream left off,
 * complete under its name or not there at all (temp → fsync → rename).
 */
import { createHash, type Hash } from 'node:crypto';
import { chmod, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PackageFile } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import { fromServiceError } from '#shared/wire/status.js';

export const PART_SUFFIX = '.part';

/** What a blob is, wherever it stands in a package. */
export type BlobRef = Pick<PackageFile, 'digest' | 'sizeBytes'>;

export interface BlobDownloadOptions {
  readonly coordinator: CoordinatorClient;
  readonly logger: Logger;
  /** Ends the retries. */
  readonly signal: AbortSignal;
  /** A stream that is silent for so long is given up and resumed. */
  readonly silentMsMax?: number;
  /** Broken off so many times in a row with nothing in between; 0: it goes on. */
  onInterrupted?(failures: number, error: unknown): void;
}

/** A coordinator that gives wrong bytes again and again does not get better by asking more often. */
const CORRUPT_TRIES = 3;
const FIRST_RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;

/**
 * Brings the blob to `file`, however often the coordinator goes away meanwhile.
 * @throws BLOB_NOT_FOUND; BLOB_CORRUPT when the bytes are wrong three times; COORDINATOR_UNAVAILABLE when `signal`
 *         aborts; what the disk says.
 */
export async function downloadBlob(blob: BlobRef, file: string, options: BlobDownloadOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await downloadOnce(blob, file, options);
      return;
    } catch (error) {
      await rm(file + PART_SUFFIX, { force: true });
      const isCorrupt = error instanceof FarmError && error.code === 'BLOB_CORRUPT';
      if (!isCorrupt || attempt >= CORRUPT_TRIES) throw error;
      options.logger.warn({ digest: blob.digest, attempt, err: error }, 'blob arrived damaged');
    }
  }
}

async function downloadOnce(blob: BlobRef, file: string, options: BlobDownloadOptions): Promise<void> {
  const part = file + PART_SUFFIX;
  const handle = await open(part, 'w', 0o600);
  try {
    const progress: Progress = { offset: 0, hash: createHash('sha256'), failures: 0 };
    for (;;) {
      try {
        await receive(blob, handle, progress, options);
        break;
      } catch (error) {
        if (!isWorthRetrying(error) || options.signal.aborted) throw error;
        const failures = ++progress.failures;
        options.onInterrupted?.(failures, error);
        if (failures === 1)
          options.logger.warn(
            { digest: blob.digest, bytes: progress.offset, err: error },
            'blob interrupted',
          );
        const delayMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
        await delay(delayMs, undefined, { signal: options.signal }).catch(() => undefined);
      }
    }
    if (progress.offset !== blob.sizeBytes)
      throw corrupt(blob, `${progress.offset} bytes came instead of ${blob.sizeBytes}`);
    if (progress.hash.digest('hex') !== blob.digest) throw corrupt(blob, 'its bytes have another digest');
    await handle.sync();
  } finally {
    await handle.close();
  }
  await chmod(part, 0o444);
  await rename(part, file);
  await syncFolder(dirname(file));
}

interface Progress {
  offset: number;
  readonly hash: Hash;
  /** Streams in a row that brought nothing. */
  failures: number;
}

/** One stream, from where the last one ended. */
async function receive(
  blob: BlobRef,
  handle: FileHandle,
  progress: Progress,
  options: BlobDownloadOptions,
): Promise<void> {
  const { coordinator, signal, silentMsMax = TIMES.grpcDeadlineMs } = options;
  const stream = coordinator.packages.downloadBlob({ digest: blob.digest, offsetBytes: progress.offset });
  const cancel = () => stream.cancel();
  const silence = setTimeout(cancel, silentMsMax);
  signal.addEventListener('abort', cancel);
  try {
    for await (const chunk of stream) {
      const { data, offsetBytes } = chunk as { data: Buffer; offsetBytes: number };
      if (offsetBytes !== progress.offset)
        throw corrupt(blob, `a chunk for offset ${offsetBytes} came at ${progress.offset}`);
      if (progress.offset + data.length > blob.sizeBytes)
        throw corrupt(blob, `more than its ${blob.sizeBytes} bytes came`);
      progress.hash.update(data);
      await writeAll(handle, data, progress.offset);
      progress.offset += data.length;
      if (progress.failures > 0) options.onInterrupted?.(0, undefined);
      progress.failures = 0;
      silence.refresh();
    }
  } catch (error) {
    if (error instanceof FarmError || isFileError(error)) throw error;
    throw fromServiceError(error, coordinator.address);
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', cancel);
    stream.cancel();
  }
}

const isWorthRetrying = (error: unknown): boolean =>
  error instanceof FarmError && error.code === 'COORDINATOR_UNAVAILABLE';

/** One write may take a part only, which is what the last one before a full disk does: without a word. */
async function writeAll(handle: FileHandle, data: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < data.length; ) {
    const { bytesWritten } = await handle.write(data, done, data.length - done, offset + done);
    done += bytesWritten;
  }
}

function isFileError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function corrupt(blob: BlobRef, why: string): FarmError {
  return new FarmError('BLOB_CORRUPT', `blob ${blob.digest}: ${why}`, { digest: blob.digest });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
