import { expect, test } from 'vitest';
import { LostTime } from './lost-time.js';

test('looks that are a little late lose nothing, a process that was suspended loses what it slept', () => {
  const lost = new LostTime(500);
  expect([0, 500, 1_900, 3_900, 3_901].map((nowMs) => lost.since(nowMs))).toEqual([0, 0, 0, 0, 0]);
  expect(lost.since(3_603_901)).toBe(3_599_500);
  expect(lost.since(3_604_401)).toBe(0);
});
