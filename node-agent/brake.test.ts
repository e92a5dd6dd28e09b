import { expect, test } from 'vitest';
import { Brake, brakePauseMs } from './brake.js';

test('the pause starts with the third failure in a row, doubles from 1 s to 30 s, and is shorter by what the attempt took', () => {
  const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000].map((failures) => brakePauseMs(failures, 0));
  expect(pauses).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(brakePauseMs(4, 500)).toBe(1_500);
  expect(brakePauseMs(4, 60_000)).toBe(0);
});

test('one success takes the brake off', () => {
  const brake = new Brake();
  for (let at = 0; at < 3; at++) brake.failed(at, at);
  expect(brake.isOn).toBe(true);
  brake.release();
  expect(brake.isOn).toBe(false);
  expect(brake.failed(10, 10)).toBeUndefined();
});

test('attempts that were under way on other slots when the brake was put on do not lengthen the pause', () => {
  const brake = new Brake();
  expect([0, 1, 2].map((at) => brake.failed(at, 10 + at))).toEqual([undefined, undefined, 990]);
  expect([3, 4, 5].map((at) => brake.failed(at, 20 + at))).toEqual([undefined, undefined, undefined]);
  expect(brake.failed(1_100, 1_100)).toBe(2_000);
});

test('however many slots, a node on which everything fails costs a queue few attempts', () => {
  const brake = new Brake();
  let failures = 0;
  for (let nowMs = 0; nowMs < 10 * 60_000; ) {
    let pauseMs = 0;
    // A round: all 64 slots until the brake is on, one tile from then on.
    for (let slot = 0; slot < (brake.isOn ? 1 : 64); slot++) {
      failures++;
      pauseMs = Math.max(pauseMs, brake.failed(nowMs, nowMs + 1) ?? 0);
    }
    nowMs += 2 + pauseMs;
  }
  expect(failures).toBeLessThan(64 + 25);
});
