/**
 * The temporary folder of an embedded farm: for its owner's eyes only, removed at the end. A farm that was killed leaves
 * its folder behind; the next start removes it, knowing the owner by process id and start time.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FarmError, messageOf } from '#shared/errors.js';

const PREFIX = 'guian-farm-';
const OWNER = 'owner';
/** A folder without an owner is being made, or was left by a process killed while making it. */
const OWNERLESS_AFTER_MS = 60_000;

/** @throws CONFIG_INVALID when the system's temporary folder cannot be written. */
export async function makeFarmFolder(): Promise<string> {
  try {
    removeDeadFolders();
    const folder = await mkdtemp(join(tmpdir(), PREFIX));
    writeFileSync(join(folder, OWNER), ownerOf(process.pid));
    return folder;
  } catch (cause) {
    throw new FarmError(
      'CONFIG_INVALID',
      `no temporary folder can be made in ${tmpdir()} (${messageOf(cause)}); set TMPDIR to a folder with free space`,
      {},
      { cause },
    );
  }
}

export function removeFarmFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function removeDeadFolders(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (!stat || stat.uid !== process.getuid?.()) continue;
    const owner = readOwner(folder);
    const isDead =
      owner === undefined
        ? Date.now() - stat.mtimeMs > OWNERLESS_AFTER_MS
        : owner !== ownerOf(Number(owner.split(' ')[0]));
    if (isDead) removeFarmFolder(folder);
  }
}

function readOwner(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, OWNER), 'utf8');
  } catch {
    return undefined;
  }
}

/** `<pid> <start time>`: a later process with the same id has another start time. Empty when there is no such process. */
function ownerOf(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return '';
  }
  try {
    // proc(5): field 22 is the start time; the second field may hold spaces, so count from its closing bracket.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return `${pid} ${fields[19]}`;
  } catch {
    return `${pid} unknown`;
  }
}
