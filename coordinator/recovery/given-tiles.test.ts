import { describe, expect, it } from 'vitest';
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { GivenTiles } from './given-tiles.js';

const [JOB, OTHER] = ['job-1', 'job-2'] as JobId[] as [JobId, JobId];
const queued = (tile: number) => ({ frame: 1, tile, attempt: 1, sequence: tile + 1 });
const held = (tile: number): HeldAttempt => [1, tile, 1, tile + 1];

const busy = (nowMs: number) => ({ nowMs, isWaitedFor: false });

function given(...tiles: number[]): GivenTiles {
  const book = new GivenTiles();
  book.give(JOB, tiles.map(queued), 1_000);
  return book;
}

describe('a tile that was given', () => {
  it('waits for a slot until a node tells of it, each tile for itself', () => {
    const book = given(0, 1);
    book.taken(JOB, [held(1), held(2)]);
    expect([0, 1, 2].map((tile) => book.givenAtMs(JOB, queued(tile)))).toEqual([1_000, undefined, undefined]);
    expect(book.countWaiting(JOB, busy(2_000))).toBe(1);
    expect(book.countWaiting(OTHER, busy(2_000))).toBe(0);
  });

  it('waits for no longer than a lease, since whoever took it may be gone with it', () => {
    expect(given(0).countWaiting(JOB, busy(1_000 + TIMES.leaseMs - 1))).toBe(1);
    expect(given(0).countWaiting(JOB, busy(1_000 + TIMES.leaseMs))).toBe(0);
  });

  it('waits for no longer than a heartbeat takes to tell of it, where somebody waits for a tile', () => {
    const isWaitedFor = true;
    expect(given(0).countWaiting(JOB, { nowMs: 2_999, isWaitedFor })).toBe(1);
    expect(given(0).countWaiting(JOB, { nowMs: 3_000, isWaitedFor })).toBe(0);
  });

  it('may be with an agent that was lost after that, and not with one that was lost when it was given', () => {
    const book = given(0);
    book.agentLost(1_000);
    expect(book.countWaiting(JOB, busy(1_500))).toBe(1);
    book.agentLost(1_200);
    expect(book.countWaiting(JOB, busy(1_500))).toBe(0);
    book.give(JOB, [queued(0)], 1_300);
    expect(book.countWaiting(JOB, busy(1_500)), 'and given once more').toBe(1);
  });

  it('is forgotten with its attempt, and with its job', () => {
    const book = given(0, 1, 2);
    book.keepQueued(JOB, [queued(1), { ...queued(2), attempt: 2 }]);
    expect(book.countWaiting(JOB, busy(1_500))).toBe(1);
    book.keepJobs((jobId) => jobId !== JOB);
    expect(book.countWaiting(JOB, busy(1_500))).toBe(0);
  });
});
