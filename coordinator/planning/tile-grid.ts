/**
 * Cuts a frame into tiles: half-open regions in rows from the top left, each pixel in exactly one of them. Tiles of the
 * last column and row are as small as the frame makes them. Nothing is stored: a tile's index gives its region.
 */
import type { Region } from '#shared/domain/region.js';
import { invariant } from '#shared/invariant.js';

export interface TileGrid {
  readonly columns: number;
  readonly rows: number;
  /** Tiles of a frame. */
  readonly count: number;
  /** Region of tile `index` (0-based, row-major), px. O(1). */
  regionOfTile(index: number): Region;
}

/** @param frame,tile  sizes in px, whole and at least 1. */
export function tileGrid(
  frame: { readonly widthPx: number; readonly heightPx: number },
  tile: { readonly tileWidthPx: number; readonly tileHeightPx: number },
): TileGrid {
  for (const side of [frame.widthPx, frame.heightPx, tile.tileWidthPx, tile.tileHeightPx])
    invariant(Number.isInteger(side) && side >= 1, `a tile grid of side ${side} px`);
  const columns = Math.ceil(frame.widthPx / tile.tileWidthPx);
  const rows = Math.ceil(frame.heightPx / tile.tileHeightPx);
  const count = columns * rows;
  return {
    columns,
    rows,
    count,
    regionOfTile(index) {
      invariant(index >= 0 && index < count, `tile ${index} of ${count}`);
      const x0 = (index % columns) * tile.tileWidthPx;
      const y0 = Math.floor(index / columns) * tile.tileHeightPx;
      return {
        x0,
        y0,
        x1: Math.min(x0 + tile.tileWidthPx, frame.widthPx),
        y1: Math.min(y0 + tile.tileHeightPx, frame.heightPx),
      };
    },
  };
}
