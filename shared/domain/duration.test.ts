import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DURATION_PATTERN, formatDurationMs, parseDurationMs } from './duration.js';

it.each([
  [500, '500ms'],
  [1_000, '1s'],
  [90_000, '90s'],
  [600_000, '10m'],
  [7_200_000, '2h'],
  [604_800_000, '7d'],
  [0, '0ms'],
])('%d ms is written as %s', (durationMs, text) => expect(formatDurationMs(durationMs)).toBe(text));

it('what is written is read as the same time', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999_999 }), (durationMs) => {
      const text = formatDurationMs(durationMs);
      expect(text).toMatch(DURATION_PATTERN);
      expect(parseDurationMs(text)).toBe(durationMs);
    }),
  );
});

it.each(['10', '', '-5s', '5 weeks', '1e3s', 's'])('%j is no duration', (text) => {
  expect(text).not.toMatch(DURATION_PATTERN);
});
