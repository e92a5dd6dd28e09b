/** Percentiles of a handful of measurements. */
import { invariant } from '#shared/invariant.js';

/** @param ratio  0 to 1. Nearest rank: always one of the values, and an outlier shows. */
export function percentile(values: readonly number[], ratio: number): number {
  invariant(values.length > 0, 'a percentile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)]!;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** For figures that people read: three digits and a little. */
export function rounded(value: number): number {
  return Number(value.toPrecision(value >= 1000 ? 4 : 3));
}

/** Wall time of `work`, ms, with its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const startMs = performance.now();
  const result = await work();
  return { ms: performance.now() - startMs, result };
}
