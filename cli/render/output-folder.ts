/** Where frames go: made when it is not there, tried before anything is rendered, and taken away again if nothing came. */
import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';

export interface OutputFolder {
  readonly path: string;
  /** Removes the folders that were made for this run and are still empty. */
  removeIfEmpty(): Promise<void>;
}

/** @throws USAGE_INVALID when it cannot be made or written; DISK_FULL. */
export async function outputFolder(path: string): Promise<OutputFolder> {
  try {
    const firstMade = await mkdir(path, { recursive: true });
    const probe = join(path, `.guian-${process.pid}.part`);
    // A few blocks: an empty file fits on a full disk.
    await writeFile(probe, Buffer.alloc(16_384));
    await rm(probe);
    return { path, removeIfEmpty: () => removeEmpty(resolve(path), firstMade && resolve(firstMade)) };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    await rm(join(path, `.guian-${process.pid}.part`), { force: true }).catch(() => undefined);
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new FarmError(
        'DISK_FULL',
        `--out ${path}: no space left on that disk; free some, or choose another folder`,
        {},
        { cause },
      );
    }
    throw new FarmError(
      'USAGE_INVALID',
      `--out ${path}: frames cannot be written there (${messageOf(cause)}); choose another folder`,
      {},
      { cause },
    );
  }
}

async function removeEmpty(path: string, firstMade: string | undefined): Promise<void> {
  if (firstMade === undefined) return;
  for (let folder = path; folder.startsWith(firstMade); folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      // Not empty: it holds what was rendered.
      return;
    }
  }
}
