import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { prepareLimitMs, tileLimits, timeText } from './tile-limits.js';

const MINUTE = 60_000;

describe('the limits of a tile', () => {
  test.each([
    // [known, time limit, stall limit]
    [{}, 30 * MINUTE, 10 * MINUTE],
    [{ expectedMs: 3_000 }, 5 * MINUTE, 2 * MINUTE],
    [{ expectedMs: 60_000 }, 20 * MINUTE, 5 * MINUTE],
    [{ expectedMs: 3_000, ownMeanMs: 60_000 }, 20 * MINUTE, 5 * MINUTE],
    [{ expectedMs: 60_000, ownMeanMs: 3_000 }, 20 * MINUTE, 5 * MINUTE],
    [{ ownMeanMs: 0.1 }, 5 * MINUTE, 2 * MINUTE],
    [{ tileTimeLimitMs: 90_000, expectedMs: 60_000 }, 90_000, 5 * MINUTE],
    [{ tileTimeLimitMs: 0 }, 30 * MINUTE, 10 * MINUTE],
  ])('%j', (known, timeMs, stallMs) => {
    expect(tileLimits(known)).toMatchObject({ timeMs, stallMs });
  });

  test('say where they come from', () => {
    expect(tileLimits({ expectedMs: 3_000 }).timeRule).toBe(
      'tiles of this job take 3s (limit 20×, at least 5m; --tile-timeout sets another)',
    );
    expect(tileLimits({ expectedMs: 60_000 }).timeRule).toContain('take 1m (limit 20×; --tile-timeout');
    expect(tileLimits({}).timeRule).toContain('not known yet');
    expect(tileLimits({ tileTimeLimitMs: 1 }).timeRule).toBe("the job's --tile-timeout");
  });

  test('never fall when more is expected, and leave a tile more than it is expected to take', () => {
    const ms = fc.double({ min: 0.01, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(ms, ms, (a, b) => {
        const [less, more] = [
          tileLimits({ expectedMs: Math.min(a, b) }),
          tileLimits({ expectedMs: Math.max(a, b) }),
        ];
        expect(more.timeMs).toBeGreaterThanOrEqual(less.timeMs);
        expect(more.stallMs).toBeGreaterThanOrEqual(less.stallMs);
        expect(less.timeMs).toBeGreaterThan(Math.min(a, b));
      }),
    );
  });
});

test('a preparation gets ten minutes, and more where the job gives its tiles more', () => {
  expect(prepareLimitMs()).toBe(10 * MINUTE);
  expect(prepareLimitMs(MINUTE)).toBe(10 * MINUTE);
  expect(prepareLimitMs(60 * MINUTE)).toBe(60 * MINUTE);
});

test.each([
  [90_000, '90s'],
  [300_000, '5m'],
  [3_217, '3s'],
  [0.4, '0ms'],
  [7_200_000, '2h'],
])('%d ms is said as %s', (ms, said) => expect(timeText(ms)).toBe(said));
