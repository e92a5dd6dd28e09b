import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { createLogger } from '#shared/log.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { PreparedFrames } from './prepared-frames.js';
import { RenderPool } from './render-pool.js';
import type { FrameContext } from './render-task.js';
import { syntheticTile } from './renderers/synthetic/renderer.js';
import { syntheticSceneSchema } from './renderers/synthetic/scene-file.js';

const logger = createLogger('test', 'silent');
const settings = renderSettingsSchema.parse({ renderer: 'synthetic', widthPx: 640, heightPx: 16 });
const scene = { folder: tmpdir(), entry: 'any.glb' };
const context = (prepared: object = {}, frame = 0): FrameContext => ({
  renderer: 'synthetic',
  scene,
  settings,
  frame,
  prepared: syntheticSceneSchema.parse(prepared),
});
const regionAt = (index: number) => ({ x0: index * 16, y0: 0, x1: index * 16 + 16, y1: 16 });

let pool: RenderPool;
beforeEach(() => {
  pool = new RenderPool({ slots: 2, logger, silentMsMax: 700, cancelMsMax: 300 });
});
afterEach(() => pool[Symbol.asyncDispose]());

describe('the render pool', () => {
  test('gives each tile its pixels, cost and digest, many of several frames at a time', async () => {
    const frames = [context({}, 0), context({}, 1), context({}, 2), context({}, 3)];
    const round = () =>
      Promise.all(
        Array.from({ length: 40 }, (_, index) => {
          const frame = index % frames.length;
          return pool.render(`job/${frame}`, frames[frame]!, regionAt(index)).outcome;
        }),
      );
    // The second round travels in batches, and four frames are more than a thread keeps.
    for (const outcomes of [await round(), await round()]) {
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.kind !== 'rendered') throw new Error(JSON.stringify(outcome));
        const expected = encodeTile(syntheticTile(settings, index % 4, regionAt(index)), 16, 16);
        expect(Buffer.compare(outcome.bytes, expected)).toBe(0);
        expect(outcome.renderer).toMatch(/^synthetic \d/);
        expect(outcome.digest).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });

  test('counts the CPU time that a tile used, not the time that it waited', async () => {
    const outcome = await pool.render('job/0', context({ costMs: 120 }), regionAt(0)).outcome;
    if (outcome.kind !== 'rendered') throw new Error(JSON.stringify(outcome));
    expect(outcome.renderMs).toBeGreaterThanOrEqual(120);
    expect(outcome.coreSeconds).toBeGreaterThan(0.01);
    expect(outcome.coreSeconds).toBeLessThanOrEqual(outcome.renderMs / 1000 + 0.02);
  });

  test('a failing tile tells why, with the end of what its thread wrote', async () => {
    const outcome = await pool.render('job/0', context({ failTiles: ['0,0'] }), regionAt(0)).outcome;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'RENDER_FAILED', permanent: false });
    expect(outcome.kind === 'failed' && outcome.logTail).toMatch(/asks for tile 0,0 to fail/);
  });

  test.each(['crashTiles', 'exitTiles'])('of a batch only the tile in %s fails', async (fault) => {
    // Warm, so that tiles are known to be short and travel together.
    await Promise.all(Array.from({ length: 8 }, (_, i) => pool.render('w', context(), regionAt(i)).outcome));
    const bad = context({ [fault]: ['48,0'] });
    const tiles = Array.from({ length: 12 }, (_, index) => pool.render('job/0', bad, regionAt(index)));
    const kinds = (await Promise.all(tiles.map((tile) => tile.outcome))).map((outcome) => outcome.kind);
    expect(kinds).toEqual(kinds.map((_, index) => (index === 3 ? 'failed' : 'rendered')));
  });

  test('a tile that hangs loses its thread and nobody else a tile', async () => {
    const bad = context({ hangTiles: ['0,0'] });
    const hung = pool.render('job/0', bad, regionAt(0));
    const others = await Promise.all(
      [1, 2, 3].map((index) => pool.render('job/0', bad, regionAt(index)).outcome),
    );
    expect(others.map((outcome) => outcome.kind)).toEqual(['rendered', 'rendered', 'rendered']);
    expect(await hung.outcome).toMatchObject({ kind: 'failed', message: /no sign of life/ });
    const after = await Promise.all(
      [4, 5].map((index) => pool.render('job/0', bad, regionAt(index)).outcome),
    );
    expect(after.map((outcome) => outcome.kind)).toEqual(['rendered', 'rendered']);
  });

  test('a cancelled tile ends within 100 ms, a deaf one with its thread', async () => {
    const long = pool.render('job/0', context({ costMs: 60_000 }), regionAt(0));
    await waitUntil(() => long.progressRatio() > 0, { timeoutMs: 5_000, describe: 'the tile at work' });
    const startMs = performance.now();
    long.cancel();
    expect(await long.outcome).toMatchObject({ kind: 'cancelled' });
    expect(performance.now() - startMs).toBeLessThan(100);
    const deaf = pool.render('job/1', context({ hangTiles: ['0,0'] }), regionAt(0));
    deaf.cancel();
    expect(await deaf.outcome).toMatchObject({ kind: 'cancelled' });
  });
});

test('a frame is prepared once for all who ask, again after a failure, and few are kept', async () => {
  await using frames = new PreparedFrames(logger);
  const task = { renderer: 'synthetic' as const, scene, settings, frame: 0 };
  const holds = [frames.hold('a', task), frames.hold('a', task)];
  const [one, two] = await Promise.all(holds.map((hold) => hold.outcome));
  expect(one).toBe(two);
  expect(holds[0]!.settled()).toBe(one);
  const missing = { ...task, scene: { folder: tmpdir(), entry: 'guian-not-there.json' } };
  const failed = frames.hold('b', missing);
  expect(await failed.outcome).toMatchObject({ kind: 'failed', code: 'SCENE_FILE_MISSING', permanent: true });
  failed.release();
  for (const hold of holds) hold.release();
  for (let frame = 1; frame < 8; frame++) {
    const hold = frames.hold(`a/${frame}`, { ...task, frame });
    await hold.outcome;
    hold.release();
  }
  expect(frames.size).toBe(2);
});
