/** Which tile's thread is ended when the process as a whole has too much memory. */
import type { TileWatch } from './tile-watch.js';

/** A thread that asks every 100 ms is seen to have done so by each look of the pool (500 ms); this one was not. */
const SILENT_MS = 400;

export interface LargestTile<T> {
  readonly of: T;
  /** It does not measure itself: it is suspected first. */
  readonly isSilent: boolean;
}

/** @returns the one that has been silent for longest, else the one that uses most; undefined when none is at work. */
export function largestTile<T extends { readonly watch: TileWatch; readonly verdict: unknown }>(
  tiles: Iterable<T>,
  nowMs: number,
): LargestTile<T> | undefined {
  const atWork = [...tiles].filter((tile) => !tile.verdict && tile.watch.isAtWork);
  const most = (measure: (tile: T) => number) =>
    atWork.reduce<T | undefined>(
      (best, tile) => (best && measure(best) >= measure(tile) ? best : tile),
      undefined,
    );
  const silent = most((tile) => tile.watch.silentMs(nowMs));
  if (silent && silent.watch.silentMs(nowMs) > SILENT_MS) return { of: silent, isSilent: true };
  const largest = most((tile) => tile.watch.memoryBytes);
  return largest && { of: largest, isSilent: false };
}
