/** One file of a finished frame → the output folder: verified by digest, and there complete or not at all. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import type { DownloadFrameChunk__Output } from '#shared/wire/generated/guian/v1/DownloadFrameChunk.js';
import type { FrameFile__Output } from '#shared/wire/generated/guian/v1/FrameFile.js';
import { fromServiceError } from '#shared/wire/status.js';
import { pause } from '../process/pause.js';

export interface FrameAddress {
  readonly jobId: string;
  readonly frame: number;
  readonly format: string;
}

const TRIES_MAX = 10;
const RETRY_DELAY_MS = 500;

/**
 * @returns the file's path.
 * @throws FRAME_NOT_FOUND, BLOB_CORRUPT when the bytes do not match even when asked again, DISK_FULL, …
 */
export async function downloadFrame(
  farm: CoordinatorClient,
  address: FrameAddress,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await downloadOnce(farm, address, folder, signal);
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof FarmError ? error.code : undefined;
      const canHelp = code === 'COORDINATOR_UNAVAILABLE' || code === 'BLOB_CORRUPT';
      if (!canHelp || attempt === TRIES_MAX) throw error;
      await pause(RETRY_DELAY_MS, signal);
    }
  }
}

async function downloadOnce(
  farm: CoordinatorClient,
  address: FrameAddress,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted();
  const stream = farm.frames.download({ ...address });
  const cancel = (): void => stream.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  const part: { file?: FrameFile__Output; path?: string; handle?: FileHandle } = {};
  const hash = createHash('sha256');
  try {
    for await (const item of stream) {
      const chunk = item as DownloadFrameChunk__Output;
      if (chunk.file) {
        part.file = chunk.file;
        part.path = join(folder, `.${safeName(chunk.file.name)}.${process.pid}.part`);
        part.handle = await open(
          part.path,
          constants.O_CREAT | constants.O_WRONLY | constants.O_TRUNC,
          0o666,
        );
      } else if (chunk.data && part.handle) {
        hash.update(chunk.data);
        await part.handle.writeFile(chunk.data);
      }
    }
    if (!part.file || !part.path) {
      throw new FarmError(
        'BLOB_CORRUPT',
        `frame ${address.frame} (${address.format}) came without its header`,
      );
    }
    const digest = hash.digest('hex');
    if (digest !== part.file.digest) {
      throw new FarmError(
        'BLOB_CORRUPT',
        `frame ${address.frame}: ${part.file.name} came with another digest than promised`,
        { expected: part.file.digest, actual: digest },
      );
    }
    await part.handle?.close();
    delete part.handle;
    const path = join(folder, part.file.name);
    await rename(part.path, path);
    return path;
  } catch (error) {
    throw asFarmError(error, farm.address, folder);
  } finally {
    signal.removeEventListener('abort', cancel);
    stream.cancel();
    await part.handle?.close();
    if (part.path) await rm(part.path, { force: true });
  }
}

/** A name from the wire must not leave the folder. */
function safeName(name: string): string {
  if (name === '' || name !== basename(name) || name.startsWith('.')) {
    throw new FarmError(
      'MESSAGE_INVALID',
      `the coordinator sent "${name.slice(0, 80)}" as a file name; it must be a plain name`,
    );
  }
  return name;
}

function asFarmError(error: unknown, serverAddress: string, folder: string): unknown {
  if (error instanceof FarmError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FarmError(
      'DISK_FULL',
      `no space left for frames in ${folder}; free some, then run the same command again`,
      {},
      { cause: error },
    );
  }
  if (typeof code === 'string') {
    return new FarmError(
      'USAGE_INVALID',
      `frames cannot be written to ${folder} (${messageOf(error)}); choose another --out`,
      {},
      { cause: error },
    );
  }
  return fromServiceError(error, serverAddress);
}
