/** Bad input: a one-line error that names the cause, exit code 2, nothing left behind, in bounded time and memory. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type BadScene, writeBadScenes } from '#tests/support/bad-scenes.js';
import { guian, testFolder } from './cli-program.js';

/** Loading, judging and refusing must not take longer than this, even on a busy machine. */
const REFUSED_WITHIN_MS = 60_000;

const scenes = mkdtempSync(join(tmpdir(), 'guian-bad-'));
const badScenes: BadScene[] = await writeBadScenes(scenes);
let farm: Farm;

beforeAll(async () => {
  farm = await startFarm({ slots: 1 });
});
afterAll(async () => {
  await farm?.stop();
  rmSync(scenes, { recursive: true, force: true });
});

describe('bad input is refused in one line', () => {
  it.each(badScenes)('$title', { timeout: REFUSED_WITHIN_MS }, async ({ file, flags, says }) => {
    using folder = testFolder();
    const out = join(folder.work, 'out');
    const args = [
      'render',
      file,
      '--coordinator',
      farm.coordinatorAddress,
      '--out',
      out,
      '--samples',
      '1',
      '--size',
      '8x8',
    ];
    const ended = await guian([...args, ...(flags ?? [])], folder);
    const lines = ended.stderr.trim().split('\n');
    expect(lines, ended.stderr).toHaveLength(1);
    expect(lines[0]).toMatch(/^guian: /);
    expect(lines[0]).toMatch(says);
    expect(ended.code).toBe(2);
    expect(existsSync(out), 'no output folder is left').toBe(false);
    expect(readdirSync(folder.tmp)).toEqual([]);
  });

  it('the farm has no job of any of them', async () => {
    using folder = testFolder();
    const ended = await guian(['jobs', '--json', '--coordinator', farm.coordinatorAddress], folder);
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).not.toMatch(/jobId/);
  });
});

describe('a machine that is not ready is named in one line', () => {
  const cases = [
    {
      title: 'no coordinator there',
      args: ['jobs', '--coordinator', '127.0.0.1:1'],
      says: /127\.0\.0\.1:1.*guian up/,
    },
    {
      title: 'no NATS there',
      args: ['coordinator', '--listen', '127.0.0.1:0', '--nats', 'nats://127.0.0.1:1'],
      says: /127\.0\.0\.1:1/,
    },
    {
      title: 'an agent without NATS',
      args: ['agent', '--nats', 'nats://127.0.0.1:1'],
      says: /127\.0\.0\.1:1/,
    },
    {
      title: 'an output folder that is a file',
      args: ['render', '--renderer', 'synthetic', '--out', '/dev/null/x'],
      says: /\/dev\/null/,
    },
  ];
  it.each(cases)('$title', { timeout: REFUSED_WITHIN_MS }, async ({ args, says }) => {
    using folder = testFolder();
    const ended = await guian(args, folder);
    const last = ended.stderr.trim().split('\n').at(-1);
    expect(last).toMatch(/^guian: /);
    expect(last).toMatch(says);
    expect(ended.code).toBe(2);
  });

  it('a port that is taken', { timeout: REFUSED_WITHIN_MS }, async () => {
    using folder = testFolder();
    const args = [
      'coordinator',
      '--listen',
      farm.coordinatorAddress,
      '--nats',
      farm.natsUrl,
      '--prefix',
      'other',
    ];
    const ended = await guian(args, folder);
    expect(ended.stderr.trim().split('\n').at(-1)).toMatch(
      /^guian: .*port|^guian: .*in use|^guian: .*taken/i,
    );
    expect(ended.code).toBe(2);
  });
});
