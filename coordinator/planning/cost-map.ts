/**
 * Where in a frame the time goes: core-milliseconds per pixel on a coarse grid, learnt from tiles that were rendered. Pure.
 */
import { type Region, regionPixels } from '#shared/domain/region.js';
import { invariant } from '#shared/invariant.js';

/** A cell is at least this wide; finer than tiles ever get. */
const CELL_PX_MIN = 16;
/** An 8K frame in cells of 32 px: the map takes half a megabyte, and a few ms to make. */
const CELLS_MAX = 65_536;

export interface FrameSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface CostMap extends FrameSize {
  readonly cellPx: number;
  readonly columns: number;
  readonly rows: number;
  /** ms per pixel of each cell, row-major; never below 0. */
  readonly msPerPx: Float64Array;
}

export interface TimedRegion {
  readonly region: Region;
  /** In a slot, without what a tile costs beside its pixels. */
  readonly ms: number;
}

/**
 * The cost of each tile, spread evenly over its pixels.
 * @param tiles overlap nowhere; pixels of none of them get the mean cost of the others.
 * @returns nothing when the tiles took no time at all.
 */
export function costMap(frame: FrameSize, tiles: Iterable<TimedRegion>): CostMap | undefined {
  const map = emptyMap(frame);
  const { cellPx, columns } = map;
  const coveredPx = new Float64Array(map.msPerPx.length);
  let sumMs = 0;
  let sumPx = 0;
  for (const { region, ms } of tiles) {
    const pixels = regionPixels(region);
    const msPerPx = Math.max(0, ms) / pixels;
    sumMs += Math.max(0, ms);
    sumPx += pixels;
    for (let y = region.y0; y < region.y1; ) {
      const row = Math.floor(y / cellPx);
      const yEnd = Math.min((row + 1) * cellPx, region.y1);
      for (let x = region.x0; x < region.x1; ) {
        const column = Math.floor(x / cellPx);
        const xEnd = Math.min((column + 1) * cellPx, region.x1);
        const shared = (xEnd - x) * (yEnd - y);
        map.msPerPx[row * columns + column]! += msPerPx * shared;
        coveredPx[row * columns + column]! += shared;
        x = xEnd;
      }
      y = yEnd;
    }
  }
  if (sumMs === 0) return undefined;
  for (let cell = 0; cell < coveredPx.length; cell++) {
    const covered = coveredPx[cell]!;
    map.msPerPx[cell] = covered > 0 ? map.msPerPx[cell]! / covered : sumMs / sumPx;
  }
  return map;
}

/** The next frame is like the last ones, the last one most. @param weight of the newer map, 0 to 1. */
export function blendMaps(older: CostMap | undefined, newer: CostMap, weight: number): CostMap {
  if (!older) return newer;
  invariant(older.msPerPx.length === newer.msPerPx.length, 'cost maps of one frame size have equal cells');
  const msPerPx = newer.msPerPx.map((ms, cell) => weight * ms + (1 - weight) * older.msPerPx[cell]!);
  return { ...newer, msPerPx };
}

/** e.g. by the samples of a job over those of its preview. */
export function scaleMap(map: CostMap, factor: number): CostMap {
  return { ...map, msPerPx: map.msPerPx.map((ms) => ms * factor) };
}

/** As frames differ from those before them: measured to be best between none and a fifth. */
export const HEDGED = 0.05;

/**
 * Takes a part of the cost from where it is and spreads it over the frame: what is dear may move from frame to frame, and
 * a tile that was to be cheap must not turn out a hundred times as dear.
 * @param share 0 to 1.
 */
export function hedgedMap(map: CostMap, share: number = HEDGED): CostMap {
  const meanMs = (share * regionCosts(map).totalMs) / (map.widthPx * map.heightPx);
  return { ...map, msPerPx: map.msPerPx.map((ms) => (1 - share) * ms + meanMs) };
}

/** What any region of a frame costs, in constant time. */
export interface RegionCosts {
  readonly totalMs: number;
  of(region: Region): number;
}

/** Sums over all cells left of and above each corner; between corners a cell's cost is spread evenly. */
export function regionCosts(map: CostMap): RegionCosts {
  const { columns, rows, cellPx, widthPx, heightPx, msPerPx } = map;
  const stride = columns + 1;
  const sums = new Float64Array(stride * (rows + 1));
  for (let row = 0; row < rows; row++) {
    const cellHeight = Math.min(cellPx, heightPx - row * cellPx);
    let rowMs = 0;
    for (let column = 0; column < columns; column++) {
      const cellWidth = Math.min(cellPx, widthPx - column * cellPx);
      rowMs += msPerPx[row * columns + column]! * cellWidth * cellHeight;
      sums[(row + 1) * stride + column + 1] = sums[row * stride + column + 1]! + rowMs;
    }
  }
  /** Cost of [0,x) × [0,y). */
  const upTo = (x: number, y: number): number => {
    const column = Math.min(columns - 1, Math.floor(x / cellPx));
    const row = Math.min(rows - 1, Math.floor(y / cellPx));
    const right = (x - column * cellPx) / Math.min(cellPx, widthPx - column * cellPx);
    const down = (y - row * cellPx) / Math.min(cellPx, heightPx - row * cellPx);
    const at = row * stride + column;
    const above = sums[at]! * (1 - right) + sums[at + 1]! * right;
    const below = sums[at + stride]! * (1 - right) + sums[at + stride + 1]! * right;
    return above * (1 - down) + below * down;
  };
  const of = ({ x0, y0, x1, y1 }: Region): number =>
    Math.max(0, upTo(x1, y1) - upTo(x0, y1) - upTo(x1, y0) + upTo(x0, y0));
  return { totalMs: sums.at(-1)!, of };
}

function emptyMap({ widthPx, heightPx }: FrameSize): CostMap {
  let cellPx = CELL_PX_MIN;
  while (Math.ceil(widthPx / cellPx) * Math.ceil(heightPx / cellPx) > CELLS_MAX) cellPx *= 2;
  const columns = Math.ceil(widthPx / cellPx);
  const rows = Math.ceil(heightPx / cellPx);
  return { widthPx, heightPx, cellPx, columns, rows, msPerPx: new Float64Array(columns * rows) };
}
