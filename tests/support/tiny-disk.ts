/** A file system of its own, so small that it can be filled: a tmpfs. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TinyDisk extends Disposable {
  readonly path: string;
  /** Takes all the space that is left but about `spareBytes`. */
  fill(spareBytes: number): void;
  /** Gives it back. */
  empty(): void;
}

const BLOCK = 4096;

/** @returns nothing where none can be mounted; the reason is printed. */
export function mountTinyDisk(sizeBytes: number): TinyDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), 'guian-tiny-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'tmpfs', path], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    rmSync(path, { recursive: true });
    const reason = mounted.stderr?.trim() || mounted.error?.message;
    console.warn(`a full disk is not tried: a small file system cannot be mounted here (${reason})`);
    return undefined;
  }
  const ballast = join(path, 'ballast');
  const spare = join(path, 'spare');
  return {
    path,
    fill(spareBytes) {
      writeFileSync(spare, Buffer.alloc(Math.ceil(spareBytes / BLOCK) * BLOCK));
      try {
        for (;;) writeFileSync(ballast, Buffer.alloc(BLOCK), { flag: 'a' });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
      rmSync(spare);
    },
    empty: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]() {
      spawnSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
