/** The one that a sort would put first; the first of those that compare equal. Without sorting. */
export function first<T>(all: Iterable<T>, compare: (one: T, other: T) => number): T | undefined {
  let best: T | undefined;
  for (const one of all) if (best === undefined || compare(one, best) < 0) best = one;
  return best;
}
