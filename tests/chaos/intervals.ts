/** Sets of instants as sorted, disjoint, half-open intervals [from, to). Pure. */
export type Interval = readonly [from: number, to: number];

export function union(intervals: readonly Interval[]): Interval[] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    if (to <= from) continue;
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function intersection(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const right = union(b);
  return union(a).flatMap(([from, to]) =>
    right
      .map(([start, end]): Interval => [Math.max(from, start), Math.min(to, end)])
      .filter(([start, end]) => end > start),
  );
}

/** What is in `a` and not in `b`. */
export function difference(a: readonly Interval[], b: readonly Interval[]): Interval[] {
  const holes = union(b);
  return union(a).flatMap(([from, to]) => {
    const left: Interval[] = [];
    let start = from;
    for (const [holeFrom, holeTo] of holes) {
      if (holeTo <= start || holeFrom >= to) continue;
      if (holeFrom > start) left.push([start, holeFrom]);
      start = Math.max(start, holeTo);
    }
    if (start < to) left.push([start, to]);
    return left;
  });
}

export function length(intervals: readonly Interval[]): number {
  return union(intervals).reduce((sum, [from, to]) => sum + (to - from), 0);
}
