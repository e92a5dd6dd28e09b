/** Times as people write them: `500ms`, `90s`, `10m`, `2h`, `1d`. */
import ms from 'ms';

/** What a duration looks like, for schemas; the unit is not optional: nobody should have to guess what 10 means. */
export const DURATION_PATTERN = /^\d{1,9}(\.\d{1,3})?\s*(ms|s|m|h|d)$/;

/** `ms` rounds, so that it would make 2m of 90 s. */
const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

/** @param text must match `DURATION_PATTERN`. @returns whole ms. */
export function parseDurationMs(text: string): number {
  return Math.round(ms(text as ms.StringValue));
}

/** Exactly, in the largest unit of which it is a whole number, e.g. `30s`, `90s`, `2h`. */
export function formatDurationMs(durationMs: number): string {
  const unit = UNITS.find(([, unitMs]) => durationMs >= unitMs && durationMs % unitMs === 0);
  return unit ? `${durationMs / unit[1]}${unit[0]}` : `${durationMs}ms`;
}
