/** How long a tile may take and how long its progress may stand still. Pure: from what is known of its job's tiles. */
import { formatDurationMs } from '#shared/domain/duration.js';

const MINUTE_MS = 60_000;
/** Tiles of one frame differ: sky next to hair was measured 30 times apart, but then neither is near 5 minutes. */
const TIME_FACTOR = 20;
const TIME_MS_MIN = 5 * MINUTE_MS;
/** Nothing is known before the job's first result; a first tile that takes longer is asked to say so by --tile-timeout. */
const TIME_MS_UNKNOWN = 30 * MINUTE_MS;
/** Renderers tell their progress several times a second, so even one step in this time is rare. */
const STALL_FACTOR = 5;
const STALL_MS_MIN = 2 * MINUTE_MS;
const STALL_MS_UNKNOWN = 10 * MINUTE_MS;
/** The largest scenes take minutes to load, and a preparation shows no sign of life: beyond this it is taken to hang. */
const PREPARE_MS = 10 * MINUTE_MS;

/** What is known when a tile is judged. */
export interface TileExpectation {
  /** Asked for with the job; 0 or absent: nothing was. */
  readonly tileTimeLimitMs?: number | undefined;
  /** Mean time of the job's tiles, as the coordinator knows it. */
  readonly expectedMs?: number | undefined;
  /** Mean time of the frame's tiles on this node. */
  readonly ownMeanMs?: number | undefined;
}

export interface TileLimits {
  /** From its beginning in a slot's thread to its end. */
  readonly timeMs: number;
  /** Without any progress. */
  readonly stallMs: number;
  /** Where `timeMs` comes from, for people: the end of a message. */
  readonly timeRule: string;
}

export function tileLimits(known: TileExpectation): TileLimits {
  const expectedMs = Math.max(known.expectedMs ?? 0, known.ownMeanMs ?? 0);
  const stallMs = expectedMs > 0 ? Math.max(STALL_MS_MIN, STALL_FACTOR * expectedMs) : STALL_MS_UNKNOWN;
  if (known.tileTimeLimitMs) {
    return { timeMs: known.tileTimeLimitMs, stallMs, timeRule: "the job's --tile-timeout" };
  }
  if (expectedMs === 0) {
    const timeRule = 'what tiles of this job take is not known yet; --tile-timeout sets another limit';
    return { timeMs: TIME_MS_UNKNOWN, stallMs, timeRule };
  }
  const timeMs = Math.max(TIME_MS_MIN, TIME_FACTOR * expectedMs);
  const factor = timeMs > TIME_MS_MIN ? `limit ${TIME_FACTOR}×` : `limit ${TIME_FACTOR}×, at least 5m`;
  const timeRule = `tiles of this job take ${timeText(expectedMs)} (${factor}; --tile-timeout sets another)`;
  return { timeMs, stallMs, timeRule };
}

/** Of one frame's preparation, in its thread. A job whose tiles may take longer may also load for longer. */
export function prepareLimitMs(tileTimeLimitMs = 0): number {
  return Math.max(PREPARE_MS, tileTimeLimitMs);
}

/** e.g. `90s`, `5m`: a limit must not be rounded to something else. */
export function timeText(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)}ms`;
  const unitMs = durationMs < 10 * MINUTE_MS ? 1_000 : MINUTE_MS;
  return formatDurationMs(Math.round(durationMs / unitMs) * unitMs);
}
