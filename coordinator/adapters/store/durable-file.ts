/**
 * A file that is there whole or not at all, power cut included: temporary name in the same folder → fsync → rename →
 * fsync of the folder. What a killed coordinator leaves behind is known by its name (recovery/orphans.ts).
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';

const TEMPORARY_SUFFIX = '.tmp';
let counter = 0;

/** @throws DISK_FULL when there is no space; whatever was at `path` before stays as it was. */
export async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.${counter++}${TEMPORARY_SUFFIX}`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw storeError(error, path);
  }
  await syncFolder(dirname(path));
}

/** Makes what was created, renamed or removed in a folder survive a power cut. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Creates a folder and makes its name durable too. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    for (let path = folder; ; path = dirname(path)) {
      await syncFolder(dirname(path));
      if (path === first || path === dirname(path)) return;
    }
  } catch (error) {
    throw storeError(error, folder);
  }
}

/** ENOSPC and its like become DISK_FULL, with the way out; anything else stays what it is. */
export function storeError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new FarmError(
      'DISK_FULL',
      `no space left to write ${path} (${messageOf(error)}); free some space`,
      { path },
      { cause: error },
    );
  return error;
}
