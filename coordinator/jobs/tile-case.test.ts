import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { testLayout } from '#tests/support/live-jobs.js';
import { liveFrame, moveFrame, moveTile } from './live-frame.js';
import { adoptQueued, isAttemptStale, liveAttempts, tileCase } from './tile-case.js';

const [A, B] = ['a', 'b'] as NodeId[] as [NodeId, NodeId];

/** Its first tile is queued under an attempt, the second is not. */
function frameWithQueued(attempt: number, avoid: readonly NodeId[] = []) {
  const frame = liveFrame(1, 0, testLayout(2), 0);
  moveFrame(frame, 'tile_moved');
  moveTile(frame, 0, 'fed');
  frame.attempts[0] = attempt;
  if (avoid.length > 0) tileCase(frame, 0).live = [{ attempt, sequence: 0, avoid }];
  return frame;
}

describe('an attempt that is in the queue already', () => {
  it('is left to others by the nodes that its message names, whatever was to be named', () => {
    const other = frameWithQueued(3, [A]);
    adoptQueued(other, 0, { attempt: 3, sequence: 17, avoid: [B] });
    expect(liveAttempts(other, 0)).toEqual([{ attempt: 3, sequence: 17, avoid: [B] }]);
    const none = frameWithQueued(3, [A]);
    adoptQueued(none, 0, { attempt: 3, sequence: 17, avoid: [] });
    expect(liveAttempts(none, 0)).toEqual([{ attempt: 3, sequence: 17, avoid: [] }]);
    const some = frameWithQueued(3);
    adoptQueued(some, 0, { attempt: 3, sequence: 17, avoid: [A] });
    expect(liveAttempts(some, 0)).toEqual([{ attempt: 3, sequence: 17, avoid: [A] }]);
  });

  it('makes no case of a tile that is open to all, and none of one that has moved on', () => {
    const usual = frameWithQueued(1);
    adoptQueued(usual, 0, { attempt: 1, sequence: 5, avoid: [] });
    expect(liveAttempts(usual, 0)).toEqual([{ attempt: 1, sequence: 5, avoid: [] }]);
    expect(usual.cases.size).toBe(0);
    adoptQueued(usual, 0, { attempt: 2, sequence: 6, avoid: [A] });
    adoptQueued(usual, 1, { attempt: 1, sequence: 7, avoid: [A] });
    expect(usual.cases.size).toBe(0);
    expect(liveAttempts(usual, 0)).toEqual([{ attempt: 1, sequence: 5, avoid: [] }]);
  });
});

it('a message is stale when its attempt is not live, unless it may be fed next', () => {
  const frame = frameWithQueued(3);
  expect([1, 2, 3, 4].map((attempt) => isAttemptStale(frame, 0, attempt))).toEqual([true, true, false, true]);
  frame.attempts[1] = 2;
  expect([1, 2, 3].map((attempt) => isAttemptStale(frame, 1, attempt))).toEqual([true, true, false]);
  moveTile(frame, 0, 'result_placed');
  expect([3, 4].map((attempt) => isAttemptStale(frame, 0, attempt))).toEqual([true, true]);
});
