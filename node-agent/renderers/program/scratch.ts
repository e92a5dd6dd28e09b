/**
 * Scratch folders: the only places that programs write. What is found in one was made by a program that may have been told
 * by a stranger's scene, so it is read with care.
 */
import { constants } from 'node:fs';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FarmError } from '#shared/errors.js';
import { killProcess, markedProcesses } from './process-tree.js';
import { MARK } from './program-command.js';

/** A killed process ends within ms, unless the kernel has it in a disk wait. */
const LEFTOVERS_MS_MAX = 5_000;

/**
 * Empties a folder that nobody uses, and ends programs that a killed agent left at work in it: those that were started by
 * another program outside a sandbox.
 */
export async function clearScratch(baseFolder: string): Promise<void> {
  const endAtMs = performance.now() + LEFTOVERS_MS_MAX;
  for (;;) {
    const left = markedProcesses(MARK, `${baseFolder}/`);
    if (left.length === 0 || performance.now() > endAtMs) break;
    for (const pid of left) killProcess(pid);
    await delay(5);
  }
  await rm(baseFolder, { recursive: true, force: true, maxRetries: 2 });
  await mkdir(baseFolder, { recursive: true });
}

/** @returns a new, empty folder in `baseFolder`, for one session. */
export async function makeScratchFolder(baseFolder: string, name: string): Promise<string> {
  await mkdir(baseFolder, { recursive: true });
  return mkdtemp(join(baseFolder, `${name}-`));
}

/**
 * A file that a program wrote directly into its scratch folder. Links are not followed, since the agent may read more than
 * the program, and pipes are not waited for.
 * @throws RENDER_FAILED when it is not there, not a plain file, or larger than `bytesMax`.
 */
export async function readScratchFile(
  scratchFolder: string,
  name: string,
  bytesMax: number,
): Promise<Buffer> {
  const path = join(scratchFolder, name);
  const failed = (what: string, cause?: unknown) =>
    new FarmError('RENDER_FAILED', `the program's file ${name} ${what}`, { path }, { cause });
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw failed('was not written', error);
    if (error.code === 'ELOOP') throw failed('is a symbolic link', error);
    throw failed(`cannot be read: ${error.code}`, error);
  });
  try {
    const { size } = await file.stat().then((stat) => {
      if (!stat.isFile()) throw failed('is no plain file');
      if (stat.size > bytesMax) throw failed(`has ${stat.size} bytes, and at most ${bytesMax} are expected`);
      return stat;
    });
    const bytes = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await file.read(bytes, 0, size, 0);
    if (bytesRead !== size) throw failed('shrank while it was read');
    return bytes;
  } finally {
    await file.close();
  }
}
