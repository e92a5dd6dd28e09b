/** The store's files as housekeeping sees them: by name, the ages of a few, and taking one away. */
import type { Dirent } from 'node:fs';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '#shared/domain/ids.js';
import { isTemporary, jobOrphans, type Orphan } from '../../recovery/orphans.js';
import type { BlobStore } from './blob-store.js';

export interface StoreFiles {
  /** Everything but the insides of `jobs/`, relative to the store; folders end in `/`. */
  listShared(): AsyncIterable<string>;
  /** Job folders, e.g. `jobs/valley-x2/`, and whatever else lies beside them. */
  listJobs(): Promise<readonly string[]>;
  /** Everything below a job's folder that the farm may have put there. */
  listJob(folder: string): Promise<readonly string[]>;
  /** When a file was last written, or asked for; nothing when it is gone. */
  lastUsedAtMs(path: string): Promise<number | undefined>;
  /** @param unusedSinceMs  a file that has been used since then stays. @returns whether it was removed. */
  remove(orphan: Orphan, unusedSinceMs: number): Promise<boolean>;
}

export function storeFiles(root: string, blobs: BlobStore): StoreFiles {
  const lastUsedAtMs = async (path: string): Promise<number | undefined> =>
    (await orAbsent(stat(join(root, path))))?.mtimeMs;
  return {
    async *listShared() {
      yield* await entries(root, '');
      yield* await entries(root, 'nodes/');
      yield* await entries(root, 'admin/');
      yield* await entries(root, 'uploads/');
      yield* await entries(root, 'blobs/');
      for (const folder of await entries(root, 'blobs/sha256/')) {
        yield folder;
        if (folder.endsWith('/')) yield* await entries(root, folder);
      }
    },
    listJobs: () => entries(root, 'jobs/'),
    listJob: (folder) => listJob(root, folder),
    lastUsedAtMs,
    async remove({ path, kind }, unusedSinceMs) {
      const name = path.slice(path.lastIndexOf('/') + 1);
      if (kind === 'blob') return blobs.removeUnused(name as Digest, unusedSinceMs);
      if (kind === 'upload') return blobs.removePart(name.slice(0, -'.part'.length) as Digest, unusedSinceMs);
      const usedAtMs = await lastUsedAtMs(path);
      if (usedAtMs === undefined || usedAtMs > unusedSinceMs) return false;
      if (kind === 'job folder') return removeJobFolder(root, path);
      await rm(join(root, path), { force: true });
      return true;
    },
  };
}

/**
 * What a killed coordinator was writing: temporary files, and folders of jobs that nobody was told of.
 * Nobody else may be writing. @returns how many were removed.
 */
export async function removeUnfinished(root: string): Promise<number> {
  let removed = 0;
  for (const folder of await entries(root, 'jobs/')) {
    if (!folder.endsWith('/')) continue;
    const paths = await listJob(root, folder);
    if (!paths.includes(`${folder}job.json`)) {
      for (const { path } of jobOrphans(folder, paths, undefined).orphans)
        if (await removeJobFolder(root, path)) removed++;
      continue;
    }
    for (const path of paths) {
      if (!isTemporary(path.slice(path.lastIndexOf('/') + 1))) continue;
      await rm(join(root, path), { force: true });
      removed++;
    }
  }
  return removed;
}

/** Only what is known to be in it: a record that is written meanwhile makes the last step fail. */
async function removeJobFolder(root: string, folder: string): Promise<boolean> {
  for (const path of await entries(root, `${folder}frames/`))
    if (isTemporary(path.slice(path.lastIndexOf('/') + 1))) await rm(join(root, path), { force: true });
  for (const path of await entries(root, folder))
    if (isTemporary(path.slice(path.lastIndexOf('/') + 1))) await rm(join(root, path), { force: true });
  for (const path of [`${folder}frames`, folder]) {
    try {
      await rmdir(join(root, path));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
      if (code !== 'ENOENT') throw error;
    }
  }
  return true;
}

async function listJob(root: string, folder: string): Promise<string[]> {
  const paths = await entries(root, folder);
  if (paths.includes(`${folder}frames/`)) return [...paths, ...(await entries(root, `${folder}frames/`))];
  return paths;
}

/** Of one folder, by the whole path; nothing when it is none, or gone. */
async function entries(root: string, folder: string): Promise<string[]> {
  const found: Dirent[] = (await orAbsent(readdir(join(root, folder), { withFileTypes: true }))) ?? [];
  return found.map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`);
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
