/** `--slots` and `--agents`, where they are not part of a process's configuration. */
import { FarmError } from '#shared/errors.js';

const COUNT_MAX = 1024;

/** @throws USAGE_INVALID */
export function parseSlots(value: unknown, flag = '--slots'): number | undefined {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (!/^\d{1,4}$/.test(String(value)) || count < 1 || count > COUNT_MAX) {
    throw new FarmError(
      'USAGE_INVALID',
      `${flag} "${String(value).slice(0, 80)}": it must be a whole number from 1 to ${COUNT_MAX}`,
    );
  }
  return count;
}
