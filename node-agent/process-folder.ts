/**
 * A folder of this process alone below a root that several share by mistake or one after the other: what processes that
 * are gone left there is removed, what others use is not.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface ProcessFolder extends AsyncDisposable {
  /** Absolute where `root` is. */
  readonly path: string;
}

/** Of this process, in use. */
const mine = new Set<string>();

/** Children that are being killed may write for a moment yet, so removing is tried again: 0.1 + 0.2 + … s. */
const REMOVE = { recursive: true, force: true, maxRetries: 5, retryDelay: 100 };

/** Folders below `root` whose processes are gone. */
export async function abandonedFolders(root: string): Promise<string[]> {
  const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => !isInUse(name)).map((name) => join(root, name));
}

/** @returns an empty folder that only this user may look into; disposing of it removes it. */
export async function openProcessFolder(root: string): Promise<ProcessFolder> {
  for (const folder of await abandonedFolders(root)) await rm(folder, REMOVE);
  await mkdir(root, { recursive: true });
  const name = `${process.pid}-${randomUUID()}`;
  const path = join(root, name);
  mine.add(name);
  await mkdir(path, { mode: 0o700 });
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, REMOVE);
      mine.delete(name);
    },
  };
}

function isInUse(name: string): boolean {
  if (mine.has(name)) return true;
  const pid = Number(name.split('-')[0]);
  // Another folder of this process's id was one of a process before it.
  return pid !== process.pid && isAlive(pid);
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
