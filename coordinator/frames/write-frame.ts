/**
 * Writes one file of a frame so that it is there complete or not at all: a temporary name in the same folder, fsync,
 * rename, fsync of the folder. What a crash leaves behind matches `TEMP_FILE_PATTERN` and can be deleted on start.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';
import type { PositionedBytes } from '#shared/image/exr-encode.js';

export const TEMP_FILE_PATTERN = /^\..+\.[0-9a-f]{12}\.tmp$/;

export interface WrittenBytes {
  readonly sizeBytes: number;
  /** lower-case hex SHA-256 */
  readonly digest: string;
}

const READ_BACK_BYTES = 4 * 1024 * 1024;

/**
 * @param path    absolute; a file that is there already is replaced.
 * @param source  the whole file, or its parts with their positions, which may not leave gaps.
 * @throws DISK_FULL, FILE_UNWRITABLE (with the path); nothing is left behind then.
 */
export async function writeFrameFile(
  path: string,
  source: Uint8Array | AsyncIterable<PositionedBytes>,
): Promise<WrittenBytes> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  let file: FileHandle | undefined;
  try {
    file = await open(temporary, 'wx+');
    const written = await writeParts(file, source instanceof Uint8Array ? wholeFile(source) : source);
    await file.sync();
    await file.close();
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return written;
  } catch (error) {
    await file?.close().catch(() => {}); // Closed already, or as broken as what is being reported.
    if (file) await unlink(temporary).catch(() => {}); // Gone after the rename, or the folder is out of reach.
    throw fileError(path, error);
  }
}

async function* wholeFile(bytes: Uint8Array): AsyncGenerator<PositionedBytes> {
  yield { position: 0, bytes };
}

async function writeParts(file: FileHandle, parts: AsyncIterable<PositionedBytes>): Promise<WrittenBytes> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let isInOrder = true;
  for await (const { position, bytes } of parts) {
    isInOrder &&= position === sizeBytes;
    if (isInOrder) hash.update(bytes);
    await writeAll(file, bytes, position);
    sizeBytes = Math.max(sizeBytes, position + bytes.length);
  }
  // A part that was written out of order (EXR's offset table) is in none of the hash so far: read the file again,
  // out of the page cache.
  return { sizeBytes, digest: isInOrder ? hash.digest('hex') : await digestOf(file, sizeBytes) };
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  // A write may be cut short near the end of the disk; the next one then says why.
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function digestOf(file: FileHandle, sizeBytes: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, Math.max(1, sizeBytes)));
  for (let position = 0; position < sizeBytes; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${position} of ${sizeBytes}`);
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest('hex');
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fileError(path: string, error: unknown): unknown {
  if (error instanceof FarmError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FarmError(
      'DISK_FULL',
      `no space left to write ${path}; free some and try again`,
      { path },
      { cause: error },
    );
  }
  const message = `cannot write ${path}: ${messageOf(error)}`;
  return new FarmError('FILE_UNWRITABLE', message, { path }, { cause: error });
}
