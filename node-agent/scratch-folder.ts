/**
 * Where renderers' own processes may write. It is empty when an agent starts, whatever the one before left; and what a
 * thread that was ended leaves goes at once, for a picture or two per ended thread add up.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '#shared/log.js';
import { diskFull, isDiskFull } from './disk-room.js';
import { abandonedFolders, openProcessFolder } from './process-folder.js';
import { killProcess, markedProcesses } from './renderers/program/process-tree.js';
import { MARK } from './renderers/program/program-command.js';
import { clearScratch } from './renderers/program/scratch.js';

/** Scratch folders are named after their thread, so that what an ended one left can be told from the rest. */
export const scratchPrefix = (thread: number): string => `thread-${thread}-`;

export interface Scratch extends AsyncDisposable {
  /** Of the slots' sessions. */
  readonly slots: string;
  /** Of scenes that are looked into. */
  readonly inspections: string;
}

/** @param folder the node's own. @throws DISK_FULL */
export async function openScratch(folder: string): Promise<Scratch> {
  try {
    const root = join(folder, 'scratch');
    // A killed agent may have left programs at work there, outside of a sandbox.
    for (const abandoned of await abandonedFolders(root)) await clearScratch(abandoned);
    const own = await openProcessFolder(root);
    const [slots, inspections] = [join(own.path, 'slots'), join(own.path, 'inspections')];
    for (const path of [slots, inspections]) await mkdir(path);
    return {
      slots,
      inspections,
      async [Symbol.asyncDispose]() {
        await clearScratch(own.path);
        await own[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    throw isDiskFull(error) ? await diskFull(folder, 0, error) : error;
  }
}

/** @param threadIds of the threads that live; what is theirs stays. */
export async function removeScratch(
  folder: string,
  threadIds: () => readonly number[],
  logger: Logger,
): Promise<void> {
  try {
    const names = await readdir(folder);
    // Asked after the folder was read: what a thread that starts now makes in it is not among the names.
    const living = threadIds().map(scratchPrefix);
    for (const name of names) {
      if (living.some((prefix) => name.startsWith(prefix))) continue;
      // Its programs have died with it; what they started outside of a sandbox has not.
      const path = join(folder, name);
      for (const pid of markedProcesses(MARK, path)) killProcess(pid);
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  } catch (err) {
    // The next start of the agent removes it.
    logger.warn({ err }, 'scratch files of an ended thread stay for now');
  }
}
