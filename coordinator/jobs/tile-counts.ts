/** What is counted at tiles, of a frame (and then kept in its record) and of its job. */
export interface TileCounts {
  attemptsFailed: number;
  tilesSpeculated: number;
  tilesVerified: number;
}

export function noTileCounts(): TileCounts {
  return { attemptsFailed: 0, tilesSpeculated: 0, tilesVerified: 0 };
}

/** @param sign -1: they no longer count. */
export function addTileCounts(
  sums: readonly TileCounts[],
  counts: Readonly<Partial<TileCounts>> = {},
  sign: 1 | -1 = 1,
): void {
  for (const sum of sums) {
    sum.attemptsFailed += sign * (counts.attemptsFailed ?? 0);
    sum.tilesSpeculated += sign * (counts.tilesSpeculated ?? 0);
    sum.tilesVerified += sign * (counts.tilesVerified ?? 0);
  }
}
