/**
 * Which areas of the frame POV-Ray is asked for to get a tile. Most scenes give the same pixels however the frame is cut,
 * so a tile is its own area. Some features draw from a random sequence that starts with each run and goes on from pixel to
 * pixel, or learn from the pixels before: their areas are the same for every tiling, and tiles are cut out of them.
 */
import { type Region, regionWidthPx } from '#shared/domain/region.js';

/**
 * What a pixel depends on beside the scene: `none`; `run`, the pixels of its run before it; `frame`, all of the frame
 * (radiosity gathers its light over the whole picture first, and parts would not fit together).
 */
export type PixelHistory = 'none' | 'run' | 'frame';

/** A start of POV-Ray takes 0.6 s whatever the area (measured), and more than this repeats its pixels for small tiles. */
const CELL_PX = 128;
const CHANNELS = 4;

/** Areas that cover the region, in reading order. */
export function tileAreas(
  region: Region,
  history: PixelHistory,
  widthPx: number,
  heightPx: number,
): Region[] {
  switch (history) {
    case 'none':
      return [region];
    case 'frame':
      return [{ x0: 0, y0: 0, x1: widthPx, y1: heightPx }];
    case 'run':
      return cells(region, widthPx, heightPx);
    default:
      return history satisfies never;
  }
}

function cells(region: Region, widthPx: number, heightPx: number): Region[] {
  const areas: Region[] = [];
  const floor = (px: number) => px - (px % CELL_PX);
  for (let y0 = floor(region.y0); y0 < region.y1; y0 += CELL_PX)
    for (let x0 = floor(region.x0); x0 < region.x1; x0 += CELL_PX)
      areas.push({ x0, y0, x1: Math.min(widthPx, x0 + CELL_PX), y1: Math.min(heightPx, y0 + CELL_PX) });
  return areas;
}

/** Copies what two areas share; both RGBA, row-major. */
export function copyShared(from: Float32Array, fromArea: Region, to: Float32Array, toArea: Region): void {
  const x0 = Math.max(fromArea.x0, toArea.x0);
  const x1 = Math.min(fromArea.x1, toArea.x1);
  const y1 = Math.min(fromArea.y1, toArea.y1);
  for (let y = Math.max(fromArea.y0, toArea.y0); y < y1; y++) {
    const source = ((y - fromArea.y0) * regionWidthPx(fromArea) + x0 - fromArea.x0) * CHANNELS;
    const target = ((y - toArea.y0) * regionWidthPx(toArea) + x0 - toArea.x0) * CHANNELS;
    to.set(from.subarray(source, source + (x1 - x0) * CHANNELS), target);
  }
}
