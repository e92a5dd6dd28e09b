import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { createLogger } from '#shared/log.js';
import { FLAT_USE, writeFlatRenderer } from '#tests/support/module-renderer.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { RenderPool, type RenderPoolOptions } from './render-pool.js';
import type { FrameContext } from './render-task.js';
import { readProcess } from './renderers/program/process-tree.js';

const settings = renderSettingsSchema.parse({ renderer: 'flat', widthPx: 64, heightPx: 16 });
const at = (x0: number) => ({ x0, y0: 0, x1: x0 + 16, y1: 16 });
const HANGS = at(48);

let folder = '';
let notes = '';
let scratchFolder = '';
let context: FrameContext;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-sessions-'));
  [notes, scratchFolder] = [join(folder, 'notes'), join(folder, 'scratch')];
  await mkdir(notes);
  await mkdir(scratchFolder);
  const modules = [await writeFlatRenderer(folder, notes)];
  context = {
    ...{ renderer: 'flat', rendererVersion: '1.0.0', settings, frame: 0, prepared: { level: 0.25 } },
    programs: { installations: [], sandbox: 'none', modules },
    scene: { folder, entry: 'any.flat' },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const startPool = (options: Partial<RenderPoolOptions> = {}) =>
  new RenderPool({ slots: 2, logger: createLogger('test', 'silent'), scratchFolder, ...options });

const noted = async (what: string): Promise<string[]> =>
  (await readdir(notes))
    .filter((name) => name.startsWith(`${what}-`))
    .map((name) => name.slice(what.length + 1));
const isAlive = (pid: string): boolean => readProcess(Number(pid))?.isZombie === false;

test("a module's tile has its pixels, and what its programs used is its cost", async () => {
  await using pool = startPool();
  const outcome = await pool.render('job/0', context, at(0)).outcome;
  if (outcome.kind !== 'rendered') throw new Error(JSON.stringify(outcome));
  expect(outcome.renderer).toBe('flat 1.0.0');
  expect(outcome.coreSeconds).toBeGreaterThanOrEqual(FLAT_USE.coreSeconds);
  expect(outcome.coreSeconds).toBeLessThan(FLAT_USE.coreSeconds + 2);
  expect(outcome.peakMemoryBytes).toBe(FLAT_USE.peakMemoryBytes);
  const flat = { name: 'beauty' as const, data: new Float32Array(16 * 16 * 4).fill(0.25) };
  expect(Buffer.compare(outcome.bytes, encodeTile([flat], 16, 16))).toBe(0);
});

test('a failed attempt has its cost too', async () => {
  await using pool = startPool({ slots: 1 });
  const outcome = await pool.render('job/0', context, at(16)).outcome;
  expect(outcome).toMatchObject({ kind: 'failed', code: 'RENDER_FAILED', message: 'no light' });
  expect(outcome).toMatchObject({ peakMemoryBytes: FLAT_USE.peakMemoryBytes });
  expect(outcome.kind === 'failed' && outcome.coreSeconds).toBeGreaterThanOrEqual(FLAT_USE.coreSeconds);
});

test('each slot has one warm session with a scratch folder of its own; all are closed with the pool', async () => {
  const pool = startPool();
  const tiles = Array.from({ length: 12 }, () => pool.render('job/0', context, at(0)).outcome);
  for (const outcome of await Promise.all(tiles)) expect(outcome.kind).toBe('rendered');
  const threads = await noted('open');
  const folders = await Promise.all(threads.map((thread) => readFile(join(notes, `open-${thread}`), 'utf8')));
  expect(new Set(folders).size).toBe(threads.length);
  expect((await readdir(scratchFolder)).map((name) => join(scratchFolder, name)).sort()).toEqual(
    folders.sort(),
  );
  await pool[Symbol.asyncDispose]();
  expect((await noted('closed')).sort()).toEqual(threads.sort());
  expect((await noted('child')).filter(isAlive)).toEqual([]);
  expect(await readdir(scratchFolder)).toEqual([]);
});

test('a node without tiles lets its sessions go, and opens one again for the next', async () => {
  await using pool = startPool({ slots: 1, idleMsMax: 0 });
  const first = await pool.render('job/0', context, at(0)).outcome;
  expect(first.kind).toBe('rendered');
  await waitUntil(async () => (await noted('closed')).length === 1, { describe: 'the session to be closed' });
  expect((await pool.render('job/0', context, at(0)).outcome).kind).toBe('rendered');
});

test('a thread that is ended takes its programs and its scratch files with it', async () => {
  await using pool = startPool({ slots: 1, silentMsMax: 300, cancelMsMax: 300 });
  const hung = await pool.render('job/0', context, HANGS).outcome;
  expect(hung).toMatchObject({ kind: 'failed', code: 'TILE_STALLED' });
  const [child] = await noted('child');
  await waitUntil(() => !isAlive(child!), { describe: 'its program to be gone' });
  await waitUntil(async () => (await readdir(scratchFolder)).length === 0, {
    describe: 'its files to be gone',
  });
  expect((await pool.render('job/0', context, at(0)).outcome).kind).toBe('rendered');
});

test('a version that is not here is a failed attempt that another node may make good', async () => {
  await using pool = startPool({ slots: 1 });
  const outcome = await pool.render('job/0', { ...context, rendererVersion: '9' }, at(0)).outcome;
  expect(outcome).toMatchObject({
    ...{ kind: 'failed', code: 'RENDERER_MISSING', permanent: false },
    message: 'this node has no flat 9; it has 1.0.0',
  });
});
