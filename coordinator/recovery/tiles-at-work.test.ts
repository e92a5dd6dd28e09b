import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { LOSSES_UNTIL_ISOLATED, lossConsequence, spareSlots, tilesAtWork } from './tiles-at-work.js';

const [J1, J2] = ['job-1', 'job-2'] as JobId[] as [JobId, JobId];
const held = (tile: number): HeldAttempt => [1, tile, 1, tile + 1];
const MAX_ATTEMPTS = 4;

describe('tiles at work when an agent ended', () => {
  it('are those in its threads, and those that took the place of finished ones since', () => {
    const inHand = [
      { jobId: J1, attempts: [0, 1, 2, 3, 4].map(held), rendering: 2 },
      { jobId: J2, attempts: [5, 6].map(held), rendering: 1 },
    ];
    const tiles = (over: number[]) => {
      const found = tilesAtWork({ inHand, slots: 3 }, (_job, [, tile]) => over.includes(tile));
      return [...found.values()].map((attempts) => attempts.map(([, tile]) => tile));
    };
    expect(tiles([])).toEqual([[0, 1], [5]]);
    expect(tiles([0])).toEqual([
      [1, 2],
      [5, 6],
    ]);
    expect(tiles([0, 2, 5])).toEqual([[1, 3, 4], [6]]);
  });

  it('include every tile that may have been in a thread, and no finished one', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.nat(20), fc.nat(8), fc.func(fc.boolean()), (slots, count, begun, isOver) => {
        const attempts = Array.from({ length: count }, (_, tile) => held(tile));
        const rendering = Math.min(slots, count, begun);
        const over = (_job: JobId, [, tile]: HeldAttempt) => isOver(tile);
        const found = tilesAtWork({ inHand: [{ jobId: J1, attempts, rendering }], slots }, over).get(J1)!;
        const open = attempts.filter(([, tile]) => !isOver(tile));
        expect(found, 'in order').toEqual(open.slice(0, found.length));
        expect(found).toHaveLength(Math.min(slots, open.length));
      }),
    );
  });
});

describe('slots of an agent that ended', () => {
  it('may have held tiles that it had not told of where it had told of fewer that are open', () => {
    const inHand = [
      { jobId: J1, attempts: [0, 1].map(held), rendering: 2 },
      { jobId: J2, attempts: [2].map(held), rendering: 0 },
    ];
    const spare = (slots: number, ...over: number[]) =>
      spareSlots({ inHand, slots }, (_job, [, tile]) => over.includes(tile));
    expect([spare(2), spare(3), spare(4), spare(3, 0, 2), spare(8, 0, 1, 2)]).toEqual([0, 0, 1, 2, 8]);
  });
});

/** A seeded generator (mulberry32): failures can be reproduced. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Tile {
  readonly isPoison: boolean;
  losses: number;
  failures: number;
  state: 'open' | 'done' | 'failed';
}

/**
 * One agent after the other takes `slots` tiles, lost ones first, as the queue gives them; a poison tile ends it at once,
 * a kill ends it with probability `killed`; otherwise its tiles are done.
 */
function runFarm(tiles: Tile[], slots: number, killed: number, seed: number): { deaths: number } {
  const next = random(seed);
  const queue = tiles.toReversed();
  const isolated: Tile[] = [];
  let deaths = 0;
  while (queue.length + isolated.length > 0) {
    const hand: Tile[] = [];
    isolated.sort((a, b) => a.losses - b.losses);
    if (isolated.length > 0 && next() < 0.5) hand.push(isolated.shift()!);
    while (hand.length < slots && queue.length > 0) hand.push(queue.pop()!);
    if (!hand.some((tile) => tile.isPoison) && next() >= killed) {
      for (const tile of hand) tile.state = 'done';
      continue;
    }
    deaths++;
    for (const tile of hand.reverse()) {
      const consequence = lossConsequence(++tile.losses);
      if (consequence === 'attempt failed' && ++tile.failures >= MAX_ATTEMPTS) tile.state = 'failed';
      else if (consequence === 'goes on') queue.push(tile);
      else isolated.push(tile);
    }
  }
  return { deaths };
}

const newTiles = (count: number, poison: readonly number[]): Tile[] =>
  Array.from({ length: count }, (_, index) => ({
    isPoison: poison.includes(index),
    losses: 0,
    failures: 0,
    state: 'open' as const,
  }));

describe('losses', () => {
  it('let a tile that ends every agent fail after a few of them, and cost the tiles beside it nothing', () => {
    const poisons = fc.array(fc.nat(39), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(poisons, fc.integer({ min: 1, max: 8 }), fc.nat(), (poison, slots, seed) => {
        const tiles = newTiles(40, poison);
        const { deaths } = runFarm(tiles, slots, 0, seed);
        const bad = tiles.filter((tile) => tile.isPoison);
        expect(bad.map((tile) => tile.state)).toEqual(bad.map(() => 'failed'));
        const innocent = tiles.filter((tile) => !tile.isPoison);
        expect(innocent.map((tile) => tile.state)).toEqual(innocent.map(() => 'done'));
        if (bad.length === 1) expect(innocent.filter((tile) => tile.failures > 0)).toEqual([]);
        expect(deaths).toBeLessThanOrEqual(bad.length * (LOSSES_UNTIL_ISOLATED + MAX_ATTEMPTS));
      }),
    );
  });

  it('fail no tile on a farm whose agents are killed again and again', () => {
    const tiles = newTiles(100_000, []);
    // Tiles of 1 s in 2 slots, 4 agents, a kill every 2.5 s: each tile meets one with about 1 in 10.
    const { deaths } = runFarm(tiles, 2, 0.1, 1);
    expect(deaths).toBeGreaterThan(4_000);
    expect(tiles.filter((tile) => tile.state !== 'done')).toEqual([]);
  });
});
