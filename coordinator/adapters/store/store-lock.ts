/**
 * One coordinator per store. The lock file names its owner (host, process, and when the process started, so that a
 * process number used again is told apart); a lock whose owner is gone is taken over, so a killed coordinator restarts
 * at once. Of several coordinators of one machine that start at once a mutex (store-mutex.ts) lets one have the store;
 * the file is for those of other machines, and for people.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { FarmError } from '#shared/errors.js';
import { storeError } from './durable-file.js';
import { holdMutex } from './store-mutex.js';

const lockSchema = z.object({ pid: z.int(), host: z.string(), startedAt: z.string() });
type LockOwner = z.infer<typeof lockSchema>;
const TRIES = 5;
const NO_LINK = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** @throws STORE_LOCKED naming the owner. */
export async function lockStore(storeDir: string): Promise<AsyncDisposable> {
  const path = join(storeDir, 'coordinator.lock');
  const mutex = await holdMutex(storeDir);
  if (!mutex) throw inUse(storeDir, path, await readOwner(path));
  try {
    return await lockFile(storeDir, path, mutex);
  } catch (error) {
    await mutex[Symbol.asyncDispose]();
    throw error;
  }
}

async function lockFile(storeDir: string, path: string, mutex: AsyncDisposable): Promise<AsyncDisposable> {
  const me: LockOwner = { pid: process.pid, host: hostname(), startedAt: processStart(process.pid) };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (await create(path, JSON.stringify(me)))
      return {
        [Symbol.asyncDispose]: async () => {
          await rm(path, { force: true });
          await mutex[Symbol.asyncDispose]();
        },
      };
    let owner = await readOwner(path);
    if (!owner || !isAlive(owner)) owner = await removeDead(path);
    if (owner) throw inUse(storeDir, path, owner);
  }
  throw new FarmError(
    'STORE_LOCKED',
    `other coordinators keep taking the store ${storeDir}; start only one`,
    {
      storeDir,
    },
  );
}

function inUse(storeDir: string, path: string, owner: LockOwner | undefined): FarmError {
  const who = owner
    ? `the coordinator with process ${owner.pid} on ${owner.host}`
    : 'a coordinator that starts or ends just now';
  return new FarmError(
    'STORE_LOCKED',
    `the store ${storeDir} is in use by ${who}; stop it, or name another folder with --store (if it is gone: remove ${path})`,
    { storeDir, pid: owner?.pid },
  );
}

/** @returns whether it is ours; false when there is one. */
async function create(path: string, text: string): Promise<boolean> {
  const own = `${path}.${randomUUID()}`;
  try {
    await writeFile(own, text);
    await link(own, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (!NO_LINK.has(code ?? '')) throw storeError(error, path);
    // A file system without links: between its creation and its text, such a lock looks like that of a killed process.
    return await writeFile(path, text, { flag: 'wx' }).then(
      () => true,
      (failure: NodeJS.ErrnoException) => {
        if (failure.code === 'EEXIST') return false;
        throw storeError(failure, path);
      },
    );
  } finally {
    await rm(own, { force: true });
  }
}

/**
 * Takes a dead owner's lock away. Another coordinator may have done so and put its own in that place meanwhile, which
 * then goes back. @returns that one.
 */
async function removeDead(path: string): Promise<LockOwner | undefined> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const owner = await readOwner(aside);
  if (!owner || !isAlive(owner)) {
    await rm(aside, { force: true });
    return undefined;
  }
  await rename(aside, path);
  return owner;
}

/** Nothing for a file that a killed process left empty or half-written. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    return lockSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function isAlive(owner: LockOwner): boolean {
  // A store on a shared disk: nothing here can tell whether a process of another machine lives.
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const startedAt = processStart(owner.pid);
  return startedAt === '' || owner.startedAt === '' || startedAt === owner.startedAt;
}

/** Boot id and start time in clock ticks since boot (proc(5), field 22); empty where the system has no /proc. */
function processStart(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in field 2 may contain spaces and parentheses: count from behind its last one.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch {
    return '';
  }
}
