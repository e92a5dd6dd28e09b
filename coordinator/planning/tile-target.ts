/** How long the tiles of a frame should take: long enough that their overhead is small, short enough that no slot waits. */

/** Long enough for every renderer's overhead, short enough to lose little with a node. */
export const TILE_MS_WANTED = 5_000;
/** A tile's overhead is below 2 % of it. */
const OVERHEAD_RATIO = 50;
/** A frame's first tiles, so that the slots are not through with them all at once, and its last ones. */
const LARGE_TILES_PER_SLOT = 4;
const SMALL_TILES_PER_SLOT = 128;

/**
 * What a tile costs a slot beside its pixels, ms, where nothing better is known: fetching, encoding and reporting it
 * (measured: 1 to 3 ms), and what its renderer does per tile: Cycles synchronises the scene (15 to 300 ms), POV-Ray starts
 * a process (600 ms).
 */
const OVERHEAD_MS = new Map([
  ['blender', 100],
  ['povray', 600],
]);
const OVERHEAD_MS_DEFAULT = 3;

export function tileOverheadMs(renderer: string): number {
  return OVERHEAD_MS.get(renderer) ?? OVERHEAD_MS_DEFAULT;
}

export interface TileTarget {
  readonly largestMs: number;
  /** Of the last tiles of a frame. */
  readonly smallestMs: number;
}

/**
 * @param frameMs cost of a frame, all tiles together, without overheads.
 * @param slots that work on it. @param overheadMs of each tile.
 */
export function tileTarget(frameMs: number, slots: number, overheadMs: number): TileTarget {
  const floorMs = overheadMs * OVERHEAD_RATIO;
  const fairMs = frameMs / Math.max(1, slots);
  const largestMs = Math.max(floorMs, Math.min(TILE_MS_WANTED, fairMs / LARGE_TILES_PER_SLOT));
  const smallestMs = Math.max(floorMs, Math.min(largestMs, fairMs / SMALL_TILES_PER_SLOT));
  return { largestMs, smallestMs };
}
