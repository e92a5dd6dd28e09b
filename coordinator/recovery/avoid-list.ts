/** Which nodes leave a tile to others, and when that can no longer work. Pure functions. */
import type { NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';

/**
 * @param unwanted nodes that failed the tile, have given their opinion on it, or hold another attempt at it.
 * @param workers nodes that may take tiles of its job; empty: not known.
 * @returns the nodes named in its message: none when nobody else would be left to render it.
 */
export function avoidList(unwanted: readonly NodeId[], workers: () => readonly NodeId[]): NodeId[] {
  if (unwanted.length === 0) return [];
  // Those that failed last matter most.
  const avoid = [...new Set(unwanted)].slice(-LIMITS.avoidedNodesMax);
  return isLeftAlone(avoid, workers()) ? [] : avoid;
}

/** Whether there are workers, and every one of them leaves it to others. */
export function isLeftAlone(avoid: readonly NodeId[], workers: readonly NodeId[]): boolean {
  return avoid.length > 0 && workers.length > 0 && workers.every((worker) => avoid.includes(worker));
}

/** A queued tile whose attempts nobody will ever take: agents hand an avoided one straight back. */
export function isStranded(
  live: readonly { readonly avoid: readonly NodeId[] }[],
  workers: readonly NodeId[],
): boolean {
  return live.length > 0 && live.every(({ avoid }) => isLeftAlone(avoid, workers));
}
