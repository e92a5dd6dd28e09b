import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FarmError } from '#shared/errors.js';
import { createLogger } from '#shared/log.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { ThreadPool } from './thread-pool.js';

/** Threads of this file do not start while the fault is there. */
const THREAD = (fault: string) => `
  import { existsSync } from 'node:fs';
  if (existsSync(${JSON.stringify(fault)})) throw new Error('no file handles left');
  export const ping = () => undefined;
  export const echo = (task) => task;
  export const hang = (begun) => { Atomics.store(begun, 0, 1); for (;;) Math.random(); };
`;

let folder = '';
let fault = '';
let broken: FarmError[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-threads-'));
  fault = join(folder, 'fault');
  broken = [];
  await writeFile(join(folder, 'thread.mjs'), THREAD(fault));
});
afterEach(() => rm(folder, { recursive: true }));

function startPool(lookEveryMs: number): ThreadPool {
  return new ThreadPool({
    name: 'render',
    file: pathToFileURL(join(folder, 'thread.mjs')),
    threads: 2,
    memoryBytes: 64 * 1024 ** 2,
    sleepsBetweenTasks: true,
    logger: createLogger('test', 'silent'),
    onBroken: (error) => broken.push(error),
    lookEveryMs,
  });
}

/** Ends the threads under tasks that hang, so that others would have to take their place. */
async function endBothThreads(pool: ThreadPool): Promise<void> {
  const kill = new AbortController();
  const hung = [0, 1].map(() => {
    const begun = new Int32Array(new SharedArrayBuffer(4));
    return { begun, ended: pool.run(begun, 'hang', kill.signal) };
  });
  const settled = Promise.allSettled(hung.map(({ ended }) => ended));
  await waitUntil(() => hung.every(({ begun }) => Atomics.load(begun, 0) === 1), {
    timeoutMs: 20_000,
    describe: 'both threads at work',
  });
  await writeFile(fault, '');
  kill.abort();
  await settled;
}

test('a task that waits for threads that did not start is done once they start again', async () => {
  await using pool = startPool(200);
  expect(await pool.run('first', 'echo')).toBe('first');
  await endBothThreads(pool);
  const waiting = pool.run('last', 'echo', new AbortController().signal);
  await waitUntil(() => pool.threadCount === 0, { timeoutMs: 20_000, describe: 'no thread to be left' });
  await rm(fault);
  expect(await waiting).toBe('last');
  expect(broken).toEqual([]);
});

test('when none is left and none starts, that is told', async () => {
  await using pool = startPool(20);
  await endBothThreads(pool);
  const waiting = pool.run('never', 'echo').then(
    () => 'done',
    () => 'refused',
  );
  await waitUntil(() => broken.length > 0, { timeoutMs: 20_000, describe: 'the pool to be given up' });
  expect(broken).toHaveLength(1);
  expect(broken[0]!.message).toMatch(/no render thread starts on this node any more; start the agent again/);
  await pool[Symbol.asyncDispose]();
  expect(await waiting).toBe('refused');
});
