import { describe, expect, it } from 'vitest';
import { figuresOf, type Observations } from './figures.js';
import { difference, intersection, length, union } from './intervals.js';
import type { SeenResult } from './observer.js';

/** A tile of 1 s that ended at `atMs`. */
const result = (nodeId: string, tile: string, atMs: number): SeenResult => ({
  ...{ atMs, nodeId, tile, jobId: 'j', attempt: 1, renderMs: 1_000, isFailure: false },
});
const nothing: Observations = {
  ...{ results: [], heartbeats: [], queue: [], outages: [], agents: ['a', 'b'], tileMs: 1_000 },
  ...{ speculated: new Set<string>(), retriedJobs: new Set<string>(), givenUp: [] },
};

describe('figures', () => {
  it('a killed agent wastes what it had done of its tile, and its tile has recovered when another begins it', () => {
    const figures = figuresOf({
      ...nothing,
      results: [result('a', '1', 10_000), result('b', '2', 14_500), result('a', '3', 17_000)],
      heartbeats: [{ atMs: 10_100, nodeId: 'a', slotsBusy: 1, inHand: ['2'] }],
      outages: [{ target: 'a', kind: 'agent-kill', fromMs: 10_400, toMs: 12_000 }],
    });
    expect(figures.wastedCoreSeconds).toBeCloseTo(0.4);
    expect(figures.wastedPercent).toBeCloseTo((100 * 0.4) / 3.4);
    expect(figures.tileRecoveryAlone).toEqual({ count: 1, p50: 3_100, max: 3_100 });
    expect(figures.slotRecoveryAlone).toEqual({ count: 1, p50: 5_600, max: 5_600 });
  });

  it('a second result of a tile is redone work, unless it was wanted', () => {
    const results = [result('a', '1', 1_000), result('b', '1', 2_000)];
    expect(figuresOf({ ...nothing, results })).toMatchObject({ tilesRedone: 1, wastedCoreSeconds: 1 });
    expect(figuresOf({ ...nothing, results, speculated: new Set(['1']) })).toMatchObject({
      ...{ tilesRedone: 0, tilesSpeculated: 1, wastedCoreSeconds: 0 },
    });
    expect(figuresOf({ ...nothing, results, retriedJobs: new Set(['j']) })).toMatchObject({ tilesRedone: 0 });
  });

  it('a slot is idle where no render covers the time and tiles wait', () => {
    const away = { target: 'coordinator', kind: 'coordinator-kill', fromMs: 1_000, toMs: 3_000 } as const;
    const queue = [900, 1_900, 2_900, 3_900].map((atMs) => ({ atMs, waiting: 5 }));
    const busy = [result('a', '1', 1_990), result('a', '2', 3_000), result('b', '3', 1_500)];
    const figures = figuresOf({ ...nothing, results: busy, queue, outages: [away] });
    expect(figures.watchedWithoutCoordinatorMs).toBe(4_000);
    // Of b from 1.5 s on, what counts as the way to the next tile left out.
    expect(figures.idleWithoutCoordinatorMs).toBe(1_500 - 75);
    const empty = queue.map((sample) => ({ ...sample, waiting: 0 }));
    expect(figuresOf({ ...nothing, results: busy, queue: empty, outages: [away] })).toMatchObject({
      watchedWithoutCoordinatorMs: 0,
    });
  });

  it('the stall of the server lasts from its kill to the first result after its restart', () => {
    const figures = figuresOf({
      ...nothing,
      results: [result('a', '1', 900), result('a', '2', 1_100), result('b', '3', 2_700)],
      outages: [{ target: 'nats-server', kind: 'nats-kill', fromMs: 1_000, toMs: 2_000 }],
    });
    expect(figures.natsStallAlone).toEqual({ count: 1, p50: 1_700, max: 1_700 });
  });
});

it('intervals are united, intersected and subtracted', () => {
  expect(
    union([
      [5, 7],
      [1, 3],
      [2, 4],
      [4, 4],
    ]),
  ).toEqual([
    [1, 4],
    [5, 7],
  ]);
  expect(
    intersection(
      [[0, 10]],
      [
        [2, 3],
        [9, 12],
      ],
    ),
  ).toEqual([
    [2, 3],
    [9, 10],
  ]);
  expect(
    difference(
      [[0, 10]],
      [
        [2, 3],
        [9, 12],
      ],
    ),
  ).toEqual([
    [0, 2],
    [3, 9],
  ]);
  expect(
    length([
      [0, 2],
      [1, 4],
    ]),
  ).toBe(4);
});
