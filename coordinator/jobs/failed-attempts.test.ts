import { expect, it } from 'vitest';
import { LIMITS } from '#shared/limits.js';
import { FailedAttempts } from './failed-attempts.js';

const failed = (attempt: number) => ({
  attempt,
  nodeId: `node-${attempt}`,
  atMs: attempt,
  code: 'RENDER_FAILED',
  message: 'no',
  logTail: 'log',
});

it('keeps every attempt of a tile in the order in which they ended', () => {
  const attempts = new FailedAttempts();
  for (const attempt of [1, 3, 2]) attempts.add(7, failed(attempt));
  attempts.add(8, failed(1));
  expect(attempts.of(7).map(({ attempt }) => attempt)).toEqual([1, 3, 2]);
  expect(attempts.of(9)).toEqual([]);
});

it('forgets what failed longest ago when a whole frame fails, never the tile that failed last', () => {
  const attempts = new FailedAttempts();
  const tiles = LIMITS.failedAttemptsPerFrameMax;
  for (let tile = 0; tile <= tiles; tile++) attempts.add(tile, failed(1));
  expect(attempts.of(0)).toEqual([]);
  expect(attempts.of(1)).toHaveLength(1);
  expect(attempts.of(tiles)).toHaveLength(1);
  attempts.add(1, failed(2));
  attempts.add(tiles + 1, failed(1));
  expect(attempts.of(1)).toHaveLength(2);
});
