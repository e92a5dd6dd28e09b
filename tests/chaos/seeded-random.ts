/** Chance that can be had again: the same seed gives the same numbers, on every machine. */

export interface SeededRandom {
  /** Uniform in [from, to). */
  between(from: number, to: number): number;
  /** One of them. */
  pick<T>(items: readonly T[]): T;
  /** A new list in another order. Source: Fisher–Yates. */
  shuffled<T>(items: readonly T[]): T[];
}

/** Source: mulberry32 (Tommy Ettinger, public domain). */
export function seededRandom(seed: number): SeededRandom {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const random: SeededRandom = {
    between: (from, to) => from + next() * (to - from),
    pick: (items) => items[Math.floor(next() * items.length)]!,
    shuffled(items) {
      const left = [...items];
      for (let last = left.length - 1; last > 0; last--) {
        const other = Math.floor(next() * (last + 1));
        [left[last], left[other]] = [left[other]!, left[last]!];
      }
      return left;
    },
  };
  return random;
}
