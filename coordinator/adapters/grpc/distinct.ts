/** Lists of names of a request: a name that is there twice counts once. */
import { FarmError } from '#shared/errors.js';

/** Many times what any list may hold: what is longer is refused before anybody looks into it. */
const NAMES_MAX = 1_000;

/** @throws JOB_SPEC_INVALID for a list that nobody has written by hand. */
export function distinct(names: readonly string[], field: string): string[] {
  if (names.length <= NAMES_MAX) return [...new Set(names)];
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `${field}: it lists ${names.length} names; ${NAMES_MAX} is the most`,
    {
      field,
    },
  );
}
