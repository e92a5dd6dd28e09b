import { expect, test } from 'vitest';
import { HeardClock } from './heard-clock.js';

test('time in which nobody is heard does not count', () => {
  const clock = new HeardClock();
  expect(clock.at(undefined)).toBe(0);
  expect(clock.at(10_000)).toBe(0);
  expect(clock.at(11_000)).toBe(1_000);
  // The bus is away for a minute.
  expect(clock.at(11_000)).toBe(1_000);
  expect(clock.at(undefined)).toBe(1_000);
  expect(clock.at(71_000)).toBe(1_000);
  expect(clock.at(73_000)).toBe(3_000);
  // The one that spoke last is gone: time does not go back, and nothing counts twice.
  expect(clock.at(72_000)).toBe(3_000);
  expect(clock.at(73_500)).toBe(3_500);
});
