import { expect, it } from 'vitest';
import type { HeldAttempt } from '#shared/bus/messages.js';
import { missingTiles } from './missing-tiles.js';

const queued = [1, 2, 3, 4].map((tile) => ({ frame: 7, tile, attempt: 1, sequence: 10 + tile }));
const numbers = (isStuck: boolean, liveHands: readonly HeldAttempt[]) =>
  missingTiles({ queued, isInQueue: ({ tile }) => tile <= 2, isStuck, liveHands }).map(({ tile }) => tile);

it('tiles that are neither in the queue nor with a node are missing', () => {
  expect(numbers(false, [])).toEqual([3, 4]);
  expect(numbers(false, [[7, 3, 1, 13]]), 'rendering, though its message is gone').toEqual([4]);
  expect(numbers(false, [[7, 3, 2, 13]]), 'another attempt').toEqual([3, 4]);
});

it('a queue that delivers nothing counts as empty', () => {
  expect(numbers(true, [[7, 2, 1, 12]])).toEqual([1, 3, 4]);
});
