import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { testJob, testRecord, testResult } from '#tests/support/live-jobs.js';
import { LiveJob } from './live-job.js';
import type { TakeOptions } from './tile-order.js';

const ORDERS = ['sequential', 'reverse', 'first-middle-last', 'every-3'];
const A = 'a' as NodeId;

/** Takes tiles until none is left, or so many. */
function taken(job: LiveJob, options: TakeOptions = {}, most = Number.POSITIVE_INFINITY): string[] {
  const tiles: string[] = [];
  while (tiles.length < most) {
    const next = job.takeNextTile(options);
    if (!next) break;
    tiles.push(`${next.frame.frame}/${next.tile}`);
  }
  return tiles;
}
const framesOf = (tiles: readonly string[]) => [...new Set(tiles.map((tile) => Number(tile.split('/')[0])))];
const numbered = (count: number) => Array.from({ length: count }, (_, index) => 101 + index);

describe('frames of a job', () => {
  it.each([
    ['reverse', [105, 104, 103, 102, 101]],
    ['first-middle-last', [101, 103, 105, 102, 104]],
    ['every-2', [101, 103, 105, 102, 104]],
  ])('are begun in the order that it asks for: %s', (frameOrder, frames) => {
    const job = testJob({ frames: numbered(5), widthPx: 32, schedule: { frameOrder } });
    expect(framesOf(taken(job))).toEqual(frames);
    expect(job.isAllOut).toBe(true);
  });

  it('that may not be rendered yet are passed over, and come when they are freed; each tile is given once', () => {
    const job = testJob({ frames: numbered(6), widthPx: 32 });
    const free = new Set([102, 105]);
    let looks = 0;
    const mayRender = (frame: number) => {
      looks++;
      return free.has(frame);
    };
    expect(taken(job, { mayRender })).toEqual(['102/0', '102/1', '105/0', '105/1']);
    expect(looks).toBe(6);
    expect(taken(job, { mayRender })).toEqual([]);
    expect(looks, 'frames that wait cost nothing').toBe(6);
    free.add(104).add(101);
    job.frameFreed(104);
    job.frameFreed(104);
    job.frameFreed(105);
    expect(taken(job, { mayRender })).toEqual(['104/0', '104/1']);
    job.frameFreed();
    expect(taken(job, { mayRender })).toEqual(['101/0', '101/1']);
    free.add(103).add(106);
    job.frameFreed();
    expect(framesOf(taken(job, { mayRender }))).toEqual([103, 106]);
  });

  it('are not begun while they may not be, though those that are go on', () => {
    const job = testJob({ frames: numbered(3), widthPx: 32 });
    expect(taken(job, { mayBegin: false })).toEqual([]);
    job.takeNextTile();
    expect(taken(job, { mayBegin: false })).toEqual(['101/1']);
    job.isHeld = true;
    expect(taken(job)).toEqual([]);
    expect(job.isAllOut).toBe(false);
    job.isHeld = false;
    expect(framesOf(taken(job))).toEqual([102, 103]);
  });

  it('that are retried come first, in whatever order the others are, and what was begun goes on', () => {
    for (const frameOrder of ORDERS) {
      const job = testJob({ frames: numbered(9), widthPx: 64, schedule: { frameOrder } });
      const begun = framesOf(taken(job, {}, 6));
      const [first, second] = begun as [number, number];
      job.failAttempt(job.openFrame(first)!, 0, 1, true);
      job.closeFrame(job.openFrame(first)!, 'failed');
      const ended = { frame: first, state: 'failed', tilesDone: 0, tilesFailed: 1, coreSeconds: 0 } as const;
      job.retry([ended], { count: 1, frames: [{ frame: first, retry: 1, attemptsBefore: 1 }] });
      const rest = taken(job);
      const again = [0, 1, 2, 3].map((tile) => `${first}/${tile}`);
      expect(rest.slice(0, 6)).toEqual([...again, `${second}/2`, `${second}/3`]);
      expect(rest.length).toBe(4 + 30);
    }
  });

  it('go on after a restart where they were: what is not done, in the same order, retried frames first', () => {
    const arbitrary = fc.record({
      frameOrder: fc.constantFrom(...ORDERS),
      tileOrder: fc.constantFrom('rows' as const, 'spiral' as const),
      done: fc.array(fc.nat(999), { maxLength: 40 }),
      retried: fc.array(fc.nat(7), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(arbitrary, ({ frameOrder, tileOrder, done, retried }) => {
        const schedule = { frameOrder, tileOrder };
        const record = testRecord({ frames: numbered(8), widthPx: 64, heightPx: 64, schedule });
        const before = new LiveJob(record);
        const all = taken(before);
        const isDone = new Set(done.map((index) => all[index % all.length]!));
        const again = [...new Set(retried)].sort((a, b) => a - b).map((index) => 101 + index);
        const frames = again.map((frame) => ({ frame, retry: 1, attemptsBefore: 1 }));
        const after = new LiveJob(record, [], { count: 1, frames });
        for (const tile of isDone) {
          const [frame, index] = tile.split('/').map(Number) as [number, number];
          after.place(after.openFrame(frame)!, index, testResult(A, 1));
        }
        const left = all.filter((tile) => !isDone.has(tile));
        const isRetried = (tile: string) => again.includes(Number(tile.split('/')[0]));
        const first = again.flatMap((frame) => left.filter((tile) => tile.startsWith(`${frame}/`)));
        expect(taken(after)).toEqual([...first, ...left.filter((tile) => !isRetried(tile))]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('tiles of a frame', () => {
  it('are given in a spiral from the middle, each once, whatever the shape', () => {
    const side = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(side, side, (columns, rows) => {
        const [widthPx, heightPx] = [columns * 16, rows * 16];
        const job = testJob({ widthPx, heightPx, schedule: { tileOrder: 'spiral' } });
        const tiles = taken(job).map((tile) => Number(tile.split('/')[1]));
        expect([...tiles].sort((a, b) => a - b)).toEqual(
          Array.from({ length: columns * rows }, (_, tile) => tile),
        );
        const ring = (tile: number) => {
          const column = Math.abs((tile % columns) - ((columns - 1) >> 1));
          return Math.max(column, Math.abs(Math.floor(tile / columns) - ((rows - 1) >> 1)));
        };
        const rings = tiles.map(ring);
        expect(rings).toEqual([...rings].sort((a, b) => a - b));
      }),
      { numRuns: 100 },
    );
  });
});

it('a million tiles that have not begun cost next to nothing', () => {
  const frames = Array.from({ length: 1_000 }, (_, index) => index);
  const schedule = { frameOrder: 'first-middle-last', tileOrder: 'spiral' } as const;
  const record = testRecord({ frames, widthPx: 8_000, heightPx: 8, tilePx: 8, schedule });
  const bytes = () => {
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = bytes();
  const job = new LiveJob(record);
  const first = taken(job, {}, 2_000);
  expect(job.progress()).toMatchObject({ tilesTotal: 1_000_000, tilesQueued: 2_000 });
  expect(framesOf(first)).toEqual([0, 499]);
  expect([...job.openFrames()].length).toBe(2);
  expect(bytes() - before).toBeLessThan(16 * 1024 * 1024);
});
