/** How much two values may differ, as typed: `0.5/255`, `0.01`, `1e-3`. */
import { FarmError } from '#shared/errors.js';

/** Half a code of an 8-bit picture: what rounding alone can do. */
export const DEFAULT_TOLERANCE = '0.5/255';

const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;

/** @throws USAGE_INVALID when it is not a number from 0 up, or a fraction of two such numbers. */
export function parseTolerance(text: string): number {
  const parts = text.split('/').map((part) => part.trim());
  const isWellFormed = parts.length <= 2 && parts.every((part) => NUMBER.test(part));
  const value = Number(parts[0]) / Number(parts[1] ?? 1);
  if (!isWellFormed || !Number.isFinite(value)) {
    const given = JSON.stringify(text.slice(0, 40));
    throw new FarmError(
      'USAGE_INVALID',
      `--max-error ${given} is not a number or a fraction; write 0.002 or 0.5/255`,
    );
  }
  return value;
}
