/**
 * Cuts a frame into tiles of equal cost rather than equal area, in the order in which they are to be given out: dear parts
 * first, and smaller and smaller tiles towards the end, so that all slots are through at about the same time. Pure.
 *
 * The sizes follow the factoring rule: as long as R ms of the frame are left, a tile costs R / (4 × slots), within bounds.
 * Rules with 2 to 4 and other bounds were tried on measured costs (benchmarks/makespan.bench.ts): with 2, tiles that turn
 * out dearer than expected cost a frame 10 % more on 128 slots, with 4 it is 4 %.
 * By list scheduling a frame then takes at most (total ÷ slots) + its last tile, however the slots differ.
 */
import { type Region, regionPixels } from '#shared/domain/region.js';
import type { TileOrderName } from '#shared/domain/schedule.js';
import { LIMITS } from '#shared/limits.js';
import type { FrameSize, RegionCosts } from './cost-map.js';
import type { TileTarget } from './tile-target.js';

const TILE_SIDE_PX_MIN = LIMITS.tileSidePxMin;
/** Finer cuts gain nothing: costs are known for cells of 16 px at best. */
const CUT_STEP_PX = 4;
/** Of a frame: bounds what a layout takes to make and to keep. */
const TILES_MAX = 16_384;
/** Of what is left of a frame, so that a tile which turns out dearer than expected still ends with the others. */
const TILES_PER_SLOT_LEFT = 4;
/** Tiles below this part of the largest come last in a spiral, too: without reason none is, since halves are equal. */
const SMALL_RATIO = 1 / 3;

export interface CutTile {
  readonly region: Region;
  /** ms in a slot, without overhead. */
  readonly ms: number;
}

export interface CutRequest {
  readonly frame: FrameSize;
  readonly costs: RegionCosts;
  readonly target: TileTarget;
  readonly slots: number;
  /** Of a tile's longer side. */
  readonly sidePxMax: number;
  /** `rows` gives way to dear first; a spiral stays one, but for the small tiles at its end. */
  readonly order: TileOrderName;
}

/** @returns tiles in the order in which they are to be given out; each pixel of the frame is in exactly one. */
export function cutByCost({ frame, costs, target, slots, sidePxMax, order }: CutRequest): CutTile[] {
  const largestMs = Math.max(target.largestMs, (2 * costs.totalMs) / TILES_MAX);
  const smallestMs = Math.max(target.smallestMs, (2 * costs.totalMs) / TILES_MAX);
  const whole: Region = { x0: 0, y0: 0, x1: frame.widthPx, y1: frame.heightPx };
  const large = bisect(costs, whole, largestMs, sidePxMax);
  // What is dear per pixel first: it cannot be cut small, and what is learnt of it is least certain.
  large.sort(order === 'spiral' ? byDistance(frame) : byDensity);
  let leftMs = costs.totalMs;
  const tiles: CutTile[] = [];
  for (const tile of large) {
    const wantedMs = Math.max(smallestMs, Math.min(largestMs, leftMs / (TILES_PER_SLOT_LEFT * slots)));
    tiles.push(...bisect(costs, tile.region, wantedMs, sidePxMax));
    leftMs -= tile.ms;
  }
  return order === 'spiral' ? smallLast(tiles, largestMs) : tiles.sort((a, b) => b.ms - a.ms);
}

/** Halves of equal cost, across the longer side, until each costs no more than `mostMs`, and is no longer than it may be. */
function bisect(costs: RegionCosts, region: Region, mostMs: number, sidePxMax: number): CutTile[] {
  const tiles: CutTile[] = [];
  const open = [region];
  for (let next = open.pop(); next; next = open.pop()) {
    const ms = costs.of(next);
    const isLarge = Math.max(next.x1 - next.x0, next.y1 - next.y0) > sidePxMax;
    const halves = ms > mostMs || isLarge ? split(costs, next, ms, mostMs) : undefined;
    if (halves) open.push(halves[1], halves[0]);
    else tiles.push({ region: next, ms });
  }
  return tiles;
}

/** Nothing when it is too small to be cut. */
function split(
  costs: RegionCosts,
  region: Region,
  ms: number,
  mostMs: number,
): readonly [Region, Region] | undefined {
  const { x0, y0, x1, y1 } = region;
  const isWide = x1 - x0 >= y1 - y0;
  const [from, to] = isWide ? [x0, x1] : [y0, y1];
  if (to - from < 2 * TILE_SIDE_PX_MIN) return undefined;
  const parts = Math.max(2, Math.ceil(ms / mostMs));
  const wantedMs = (ms * Math.floor(parts / 2)) / parts;
  const firstPart = (at: number): Region => (isWide ? { ...region, x1: at } : { ...region, y1: at });
  // Costs rise along the side: the cut is found by halving.
  let [low, high] = [from + TILE_SIDE_PX_MIN, to - TILE_SIDE_PX_MIN];
  while (high - low > CUT_STEP_PX) {
    const middle = (low + high) >> 1;
    if (costs.of(firstPart(middle)) < wantedMs) low = middle;
    else high = middle;
  }
  const at = onStep((low + high) >> 1, from + TILE_SIDE_PX_MIN, to - TILE_SIDE_PX_MIN);
  const secondPart: Region = isWide ? { ...region, x0: at } : { ...region, y0: at };
  return [firstPart(at), secondPart];
}

function onStep(px: number, low: number, high: number): number {
  const rounded = Math.round(px / CUT_STEP_PX) * CUT_STEP_PX;
  return rounded >= low && rounded <= high ? rounded : px;
}

const byDensity = (a: CutTile, b: CutTile): number =>
  b.ms / regionPixels(b.region) - a.ms / regionPixels(a.region);

function byDistance({ widthPx, heightPx }: FrameSize): (a: CutTile, b: CutTile) => number {
  const distance = ({ region: { x0, x1, y0, y1 } }: CutTile) =>
    Math.hypot((x0 + x1 - widthPx) / 2, (y0 + y1 - heightPx) / 2);
  return (a, b) => distance(a) - distance(b);
}

function smallLast(tiles: readonly CutTile[], largestMs: number): CutTile[] {
  const isSmall = ({ ms }: CutTile) => ms < SMALL_RATIO * largestMs;
  const small = tiles.filter(isSmall).sort((a, b) => b.ms - a.ms);
  return [...tiles.filter((tile) => !isSmall(tile)), ...small];
}
