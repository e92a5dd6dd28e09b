/**
 * A frame whose tiles are on the move. Its tiles are typed arrays, not objects, and exist only from the first tile that
 * is queued or comes back until the frame is recorded: a job of a million tiles costs what its open frames cost.
 */
import type { Digest, NodeId } from '#shared/domain/ids.js';
import { type FrameEvent, type FrameState, nextFrameState } from '#shared/state/frame-state.js';
import { nextTileState, TILE_STATES, type TileEvent, type TileState } from '#shared/state/tile-state.js';
import type { Layout } from '../planning/layout.js';
import { FailedAttempts } from './failed-attempts.js';
import type { TileCase } from './tile-case.js';
import { noTileCounts, type TileCounts } from './tile-counts.js';

/** A valid result of a tile: the first one, or one that waits for another. */
export interface PlacedResult {
  readonly digest: Digest;
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly renderer: string;
  /** Where its parts are in the results stream, in order. */
  readonly sequences: readonly number[];
  readonly sizeBytes: number;
  readonly coreSeconds: number;
  /** Wall time in a slot's thread. */
  readonly renderMs: number;
  /** Who gave the same pixels, once it is verified. */
  agreedNodeId?: NodeId;
  /** The encoded tile; given up when the collector's memory is full, and read again from the stream. */
  bytes: Uint8Array | undefined;
}

/** Parts of a result that has not arrived whole. */
export interface PartialResult {
  /** `not kept`: memory is full, and the whole result is read from the stream again. */
  readonly parts: (Uint8Array | 'not kept' | undefined)[];
  readonly sequences: number[];
  missing: number;
}

export interface LiveFrame {
  readonly frame: number;
  readonly index: number;
  /** How it is cut; tiles below are those of this layout. */
  readonly layout: Layout;
  state: FrameState;
  doneCount: number;
  readonly counts: TileCounts;
  /** Index into TILE_STATES, per tile. */
  readonly tileStates: Uint8Array;
  /** Highest attempt that was queued or reported, per tile; 0: none. */
  readonly attempts: Uint16Array;
  /** Sequence of the message of that attempt in TILES, per tile; 0: not known. */
  readonly sequences: Float64Array;
  /** Attempts up to this number were made before the last retry: how they ended no longer counts. */
  readonly attemptsBefore: number;
  /** Attempts whose failure was counted, by tile: a redelivered one that fails twice counts once. */
  readonly failed: Map<number, readonly number[]>;
  readonly failedAttempts: FailedAttempts;
  /** By tile. */
  readonly cases: Map<number, TileCase>;
  readonly results: (PlacedResult | undefined)[];
  /** Key: `tile/attempt/node`. */
  readonly partials: Map<string, PartialResult>;
}

/** @param attemptsBefore attempts at its tiles before the last retry: the next one is one more; 0 without a retry. */
export function liveFrame(frame: number, index: number, layout: Layout, attemptsBefore: number): LiveFrame {
  const tileCount = layout.count;
  return {
    frame,
    index,
    layout,
    state: 'waiting',
    doneCount: 0,
    counts: noTileCounts(),
    tileStates: new Uint8Array(tileCount),
    attempts: new Uint16Array(tileCount).fill(attemptsBefore),
    sequences: new Float64Array(tileCount),
    attemptsBefore,
    failed: new Map(),
    failedAttempts: new FailedAttempts(),
    cases: new Map(),
    results: new Array<PlacedResult | undefined>(tileCount).fill(undefined),
    partials: new Map(),
  };
}

/** Forgets whatever encoded bytes a frame holds. @returns how many. */
export function giveUpBytes(frame: LiveFrame): number {
  let bytes = 0;
  const candidates = [...frame.cases.values()].flatMap((known) => known.candidates);
  for (const result of [...frame.results, ...candidates]) {
    bytes += result?.bytes?.byteLength ?? 0;
    if (result) result.bytes = undefined;
  }
  for (const { parts } of frame.partials.values())
    for (const part of parts) if (part instanceof Uint8Array) bytes += part.byteLength;
  frame.partials.clear();
  return bytes;
}

export function tileState(frame: LiveFrame, tile: number): TileState {
  return TILE_STATES[frame.tileStates[tile]!]!;
}

const CODES = new Map(TILE_STATES.map((state, code) => [state, code]));

export function moveTile(frame: LiveFrame, tile: number, event: TileEvent): void {
  frame.tileStates[tile] = CODES.get(nextTileState(tileState(frame, tile), event))!;
}

export function moveFrame(frame: LiveFrame, event: FrameEvent): void {
  frame.state = nextFrameState(frame.state, event);
}
