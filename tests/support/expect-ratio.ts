/** Compares a measured quantity with what a formula says, by their ratio. */
import { expect } from 'vitest';

/** @param tolerance  largest |measured ÷ expected − 1|. */
export function expectRatio(measured: number, expected: number, tolerance: number, what = ''): void {
  expect(Math.abs(measured / expected - 1), `${what} ${measured} instead of ${expected}`).toBeLessThan(
    tolerance,
  );
}
