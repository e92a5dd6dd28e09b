/** Whether frames that have not begun should be cut anew, given what is known of the cost of their pixels. Pure. */
import type { TileOrderName } from '#shared/domain/schedule.js';
import { LIMITS } from '#shared/limits.js';
import { cutByCost } from './cost-cuts.js';
import { type CostMap, hedgedMap, regionCosts } from './cost-map.js';
import type { Layout } from './layout.js';
import type { CostedRegion } from './layout-record.js';
import { makespan } from './makespan.js';
import { TILE_MS_WANTED, tileTarget } from './tile-target.js';

/** A new layout is a file, a plan id and less to compare with: it must be worth it. */
const GAIN_MIN = 1.02;
/** Tiles that take so many times longer or shorter than they should are worth a new layout, too. */
const SIZE_RATIO_MAX = 2;
/** 16 MB of RGBA in float32: what a tile takes of a slot's memory, and what is lost with it. */
export const TILE_SIDE_PX_MAX = 1024;

/** What is known of a job's pixels. */
export interface KnownCosts {
  /** What frames to come are expected to cost. */
  readonly map: CostMap;
  /** What the last frame, or preview, did cost. */
  readonly seen: CostMap;
  /** Where only a part of a frame is known, tiles become no larger than they are. */
  readonly sidePxMax?: number | undefined;
}

export interface LayoutQuestion extends KnownCosts {
  /** How those frames are cut now. */
  readonly current: Layout;
  readonly slots: number;
  /** Of each tile, ms. */
  readonly overheadMs: number;
  readonly order: TileOrderName;
}

export interface NextLayout {
  readonly tiles: readonly CostedRegion[];
  /** A frame from its first tile to its last, by itself: as it is cut now, and anew. */
  readonly makespanMs: { readonly before: number; readonly after: number };
}

/** Nothing when the gain would be small. A few ms for a frame of a thousand tiles. */
export function nextLayout(question: LayoutQuestion): NextLayout | undefined {
  const { map, seen, current, slots, overheadMs, order, sidePxMax = TILE_SIDE_PX_MAX } = question;
  const costs = regionCosts(hedgedMap(map));
  const seenCosts = regionCosts(seen);
  const target = tileTarget(costs.totalMs, slots, overheadMs);
  const cut = cutByCost({ frame: map, costs, target, slots, sidePxMax, order });
  if (cut.length > LIMITS.tilesPerFrameMax) return undefined;
  const now: number[] = [];
  for (let place = 0; place < current.count; place++)
    now.push(seenCosts.of(current.regionOfTile(current.tileAt(place))) + overheadMs);
  const anew = cut.map(({ ms }) => ms + overheadMs);
  const makespanMs = { before: makespan(now, slots), after: makespan(anew, slots) };
  // Frames to come may cost more or less than the last one: what counts is how evenly each is spread.
  const gain = makespanMs.before / seenCosts.totalMs / (makespanMs.after / costs.totalMs);
  if (gain < GAIN_MIN && (question.sidePxMax !== undefined || isRightSize(usualMs(now), usualMs(anew))))
    return undefined;
  return { tiles: cut.map(({ region }, tile) => ({ region, expectedMs: anew[tile]! })), makespanMs };
}

/** Shorter tiles than are wanted cost overhead, and longer ones much when they are lost. */
function isRightSize(nowMs: number, anewMs: number): boolean {
  const isShort = nowMs * SIZE_RATIO_MAX < anewMs;
  const isLong = nowMs > SIZE_RATIO_MAX * Math.max(anewMs, TILE_MS_WANTED);
  return !isShort && !isLong;
}

/** Of the tile in which a core is found at any moment. */
function usualMs(tileMs: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const ms of tileMs) {
    sum += ms;
    squares += ms * ms;
  }
  return squares / sum;
}
