/** The admin's command, run for real: what it is told, what its failure costs, and that a name can never be a command. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isRunning } from '#tests/integration/cli-program.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { type ScaleRun, scalePools } from './scale-hook.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-scale-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pool = (name: string, slots: number, slotsWanted: number) => ({ pool: name, slots, slotsWanted });

async function run(
  pools: ReturnType<typeof pool>[],
  command: string,
  changes: Partial<{ timeoutMs: number; abort: AbortController }> = {},
) {
  const { timeoutMs = 20_000, abort = new AbortController() } = changes;
  const runs: ScaleRun[] = [];
  const interrupt = { signal: abort.signal, onSecond: () => undefined };
  const tell = (one: ScaleRun): void => void runs.push(one);
  const failures = await scalePools(pools, {
    command,
    timeoutMs,
    coordinator: '127.0.0.1:7700',
    tell,
    interrupt,
  });
  return { failures, outcomes: runs.map(({ pool: name, outcome }) => `${name}: ${outcome}`).sort() };
}

test('the command runs for pools that should have more or fewer slots, and reads which from its environment', async () => {
  const command = `printf '%s %s %s %s' "$GUIAN_POOL" "$GUIAN_SLOTS" "$GUIAN_SLOTS_WANTED" "$GUIAN_COORDINATOR" > "${folder}/got-$GUIAN_POOL"`;
  const { failures, outcomes } = await run(
    [pool('film', 8, 24), pool('same', 4, 4), pool('', 3, 0)],
    command,
  );
  expect({ failures, outcomes }).toEqual({ failures: 0, outcomes: [': done', 'film: done'] });
  expect(readFileSync(join(folder, 'got-film'), 'utf8')).toBe('film 8 24 127.0.0.1:7700');
  expect(readFileSync(join(folder, 'got-'), 'utf8')).toBe(' 3 0 127.0.0.1:7700');
  expect(existsSync(join(folder, 'got-same'))).toBe(false);
});

test('a name that is none reaches no shell', async () => {
  const evil = `x; touch ${folder}/owned`;
  expect(await run([pool(evil, 0, 1), pool('$(id)', 0, 1)], 'eval "$GUIAN_POOL"')).toEqual({
    ...{ failures: 0, outcomes: [] },
  });
  expect(existsSync(join(folder, 'owned'))).toBe(false);
});

test('a command that fails, is killed or takes too long counts, and the others run all the same', async () => {
  const command = 'case $GUIAN_POOL in a) exit 3;; b) kill -9 $$;; c) sleep 60;; esac';
  const pools = ['a', 'b', 'c', 'd'].map((name) => pool(name, 0, 1));
  const startedMs = performance.now();
  expect(await run(pools, command, { timeoutMs: 1_000 })).toEqual({
    failures: 3,
    outcomes: [
      'a: failed: exit code 3; it is tried again',
      'b: failed: ended by SIGKILL; it is tried again',
      'c: failed: it took longer than 1.0s',
      'd: done',
    ],
  });
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test('an interrupt ends what runs, with all that it started', async () => {
  const abort = new AbortController();
  const pidFile = join(folder, 'pid');
  const command = `sleep 60 & echo $! > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; wait`;
  const running = run([pool('a', 0, 1)], command, { abort });
  await waitUntil(() => existsSync(pidFile), { timeoutMs: 20_000, describe: () => 'the command runs' });
  abort.abort();
  expect(await running).toMatchObject({ outcomes: ['a: stopped'] });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await waitUntil(() => !isRunning(pid), { timeoutMs: 20_000, describe: () => `process ${pid} has ended` });
});
