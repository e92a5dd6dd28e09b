// One set-up at a time per checkout: a lock file that holds the owner's process id. It appears with its content (by
// link), and a lock whose owner is gone is taken away by rename, so that of several who find it only one does.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 200;

/** Waits for its turn. @returns the function that ends it. */
export async function setupLock(folder, say) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, 'setup.lock');
  const mine = join(folder, `setup.lock.${process.pid}`);
  const release = () => rmSync(lock, { force: true });
  writeFileSync(mine, String(process.pid));
  try {
    for (let waited = false; ; waited = true) {
      if (tryLink(mine, lock)) {
        process.once('exit', release);
        return () => {
          process.removeListener('exit', release);
          release();
        };
      }
      const owner = readOwner(lock);
      if (owner === undefined) continue;
      if (!isAlive(owner)) takeAway(lock, owner);
      else {
        if (!waited) say(`waiting for another set-up of this checkout (process ${owner}) …`);
        await delay(LOOK_EVERY_MS);
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function tryLink(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function takeAway(lock, owner) {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  // Somebody else was quicker and this is a new, live lock: put it back.
  if (readOwner(aside) !== owner) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
