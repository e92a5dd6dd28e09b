import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { createLogger } from '#shared/log.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { RenderPool } from './render-pool.js';
import type { FrameContext } from './render-task.js';
import { syntheticTile } from './renderers/synthetic/renderer.js';
import { syntheticSceneSchema } from './renderers/synthetic/scene-file.js';
import { tileLimits } from './tile-limits.js';

const MIB = 1024 ** 2;
const settings = renderSettingsSchema.parse({ renderer: 'synthetic', widthPx: 64, heightPx: 16 });
const context = (prepared: object): FrameContext => ({
  renderer: 'synthetic',
  scene: { folder: tmpdir(), entry: 'any.glb' },
  settings,
  frame: 0,
  prepared: syntheticSceneSchema.parse(prepared),
});
const BAD = { x0: 0, y0: 0, x1: 16, y1: 16 };
const GOOD = { x0: 16, y0: 0, x1: 32, y1: 16 };

/** Silence is the fault of one case alone: on a busy machine a heap takes seconds to fill. */
function startPool(silentMsMax = 60_000): RenderPool {
  const baseBytes = process.memoryUsage.rss();
  return new RenderPool({
    slots: 2,
    logger: createLogger('test', 'silent'),
    slotMemoryBytes: 48 * MIB,
    silentMsMax,
    cancelMsMax: 300,
    limitsOf: (known) => ({ ...tileLimits(known), stallMs: 600 }),
    processBytesMax: () => baseBytes + 500 * MIB,
  });
}

const expected = encodeTile(syntheticTile(settings, 0, GOOD), 16, 16);

describe('a tile that goes wrong is a failed attempt, and its neighbour finishes with the right pixels', () => {
  /** `costMs` of the neighbour: it is at work still when the thread is ended. */
  const cases: [fault: string, costMs: number, code: string, says: RegExp][] = [
    ['failTiles', 200, 'RENDER_FAILED', /its scene says so/],
    ['crashTiles', 300, 'RENDER_FAILED', /ended its thread: tile 0,0 crashes/],
    ['exitTiles', 300, 'RENDER_FAILED', /exited with code: 3/],
    ['hangTiles', 1600, 'TILE_STALLED', /no sign of life for \d+s; its thread was ended/],
    ['stallTiles', 1400, 'TILE_STALLED', /progress stood at 25% for \d+(ms|s)/],
    ['endlessTiles', 1800, 'TILE_TIME_LIMIT', /not finished after 1s; the job's --tile-timeout/],
    ['heapTiles', 1500, 'TILE_MEMORY_LIMIT', /outgrew the JS heap .*--slot-memory/],
    [
      'bufferTiles',
      400,
      'TILE_MEMORY_LIMIT',
      /used [\d.]+ MiB of memory, the limit is 48 MiB \(--slot-memory/,
    ],
    ['leakTiles', 500, 'TILE_MEMORY_LIMIT', /and kept it; its thread was ended/],
    ['deafBufferTiles', 2000, 'TILE_MEMORY_LIMIT', /all of its 2 slots together .* gave no account/],
    ['hugeTiles', 200, 'TILE_MEMORY_LIMIT', /allocation failed/],
  ];
  test.each(cases)(
    '%s (its neighbour takes %d ms): %s',
    async (fault, costMs, code, says) => {
      await using pool = startPool(fault === 'hangTiles' ? 1_200 : undefined);
      const good = pool.render(`good/${fault}`, context({ costMs }), GOOD);
      await waitUntil(() => good.progressRatio() > 0, {
        timeoutMs: 20_000,
        describe: 'the neighbour at work',
      });
      const limits = fault === 'endlessTiles' ? { tileTimeLimitMs: 1_000 } : {};
      const outcome = await pool.render(`bad/${fault}`, context({ [fault]: ['0,0'] }), BAD, limits).outcome;
      expect(outcome).toMatchObject({
        kind: 'failed',
        code,
        message: expect.stringMatching(says),
        permanent: false,
      });
      const rendered = await good.outcome;
      if (rendered.kind !== 'rendered') throw new Error(JSON.stringify(rendered));
      expect(Buffer.compare(rendered.bytes, expected)).toBe(0);
      // Both slots work on.
      const after = [pool.render('after', context({}), GOOD), pool.render('after', context({}), GOOD)];
      for (const tile of after) expect((await tile.outcome).kind).toBe('rendered');
    },
    30_000,
  );
});

test('a tile that is cancelled while it is over a limit is cancelled, not failed', async () => {
  await using pool = startPool();
  const tile = pool.render('both', context({ hangTiles: ['0,0'] }), BAD, { tileTimeLimitMs: 1 });
  await waitUntil(() => tile.hasBegun(), { timeoutMs: 20_000, describe: 'the tile at work' });
  tile.cancel();
  expect(await tile.outcome).toMatchObject({ kind: 'cancelled' });
});

test('a tile tells the most that its own slot used', async () => {
  await using pool = startPool();
  const outcome = await pool.render('peak', context({}), GOOD).outcome;
  if (outcome.kind !== 'rendered') throw new Error(JSON.stringify(outcome));
  expect(outcome.peakMemoryBytes).toBeGreaterThan(2 * MIB);
  expect(outcome.peakMemoryBytes).toBeLessThan(48 * MIB);
});

test('memory is watched while a frame is prepared and no tile is at work yet, and only the machine bounds it then', async () => {
  const limits: [shared: number, ended: number][] = [];
  let shared = Number.NaN;
  await using _pool = new RenderPool({
    slots: 1,
    logger: createLogger('test', 'silent'),
    processBytesMax: (sharedBytes) => {
      shared = sharedBytes;
      return 8;
    },
    preparation: {
      isAtWork: true,
      sharedBytes: 0,
      endForMemory: (_, limitBytes) => limits.push([shared, limitBytes]) > 0,
    },
  });
  await waitUntil(() => limits.length > 0, { timeoutMs: 10_000, describe: 'the preparation to be ended' });
  expect(limits[0]).toEqual([Number.POSITIVE_INFINITY, 8]);
});
