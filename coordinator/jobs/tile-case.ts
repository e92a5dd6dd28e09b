/**
 * What few tiles of a frame go through and the others do not: a second attempt beside the first, nodes that are to leave
 * it to others, results that wait for a second opinion, agents that ended while they rendered it. Only these tiles have
 * an object, which goes when the tile is done.
 */
import type { NodeId } from '#shared/domain/ids.js';
import { isLeftAlone } from '../recovery/avoid-list.js';
import { type LiveFrame, type PlacedResult, tileState } from './live-frame.js';

/** An attempt that is in the stream, on its way there, or with a node. */
export interface LiveAttempt {
  readonly attempt: number;
  /** Of its message in TILES; 0: not known. */
  sequence: number;
  /** Nodes that leave it to others. */
  readonly avoid: readonly NodeId[];
}

export interface TileCase {
  /** Oldest first; empty: none, or only the last one that was queued, open to every node. */
  live: readonly LiveAttempt[];
  /** Valid results of which none counts yet. */
  candidates: readonly PlacedResult[];
  /** Agents that ended while they had it in a slot's thread. */
  losses: number;
  /** It is out only while no other isolated tile is. */
  isIsolated: boolean;
}

export function tileCase(frame: LiveFrame, tile: number): TileCase {
  let known = frame.cases.get(tile);
  if (!known) {
    known = { live: [], candidates: [], losses: 0, isIsolated: false };
    frame.cases.set(tile, known);
  }
  return known;
}

/** Attempts at a tile that are in the queue or with a node; none when the tile is not queued. */
export function liveAttempts(frame: LiveFrame, tile: number): readonly LiveAttempt[] {
  if (tileState(frame, tile) !== 'queued') return [];
  const live = frame.cases.get(tile)?.live;
  if (live && live.length > 0) return live;
  return [{ attempt: frame.attempts[tile]!, sequence: frame.sequences[tile]!, avoid: [] }];
}

export function isAttemptLive(frame: LiveFrame, tile: number, attempt: number): boolean {
  return liveAttempts(frame, tile).some((live) => live.attempt === attempt);
}

/** Whether no result of a tile is needed any more. */
export function isTileOver(frame: LiveFrame, tile: number): boolean {
  const state = tileState(frame, tile);
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

/** Whether nobody waits for an attempt whose message is in the queue; not when it may be about to be adopted. */
export function isAttemptStale(frame: LiveFrame, tile: number, attempt: number): boolean {
  if (tileState(frame, tile) === 'planned') return attempt <= frame.attempts[tile]!;
  return !isAttemptLive(frame, tile, attempt);
}

/** The stream had an attempt's message already, queued by an earlier coordinator: what that message says is so. */
export function adoptQueued(frame: LiveFrame, tile: number, found: LiveAttempt): void {
  const live = liveAttempts(frame, tile);
  if (!live.some(({ attempt }) => attempt === found.attempt)) return;
  setSequence(frame, tile, found.attempt, found.sequence);
  if (found.avoid.length > 0 || frame.cases.get(tile)?.live.length)
    tileCase(frame, tile).live = live.map((one) => (one.attempt === found.attempt ? found : one));
}

/** The stream has an attempt's message. */
export function setSequence(frame: LiveFrame, tile: number, attempt: number, sequence: number): void {
  if (frame.attempts[tile] === attempt) frame.sequences[tile] = sequence;
  for (const live of frame.cases.get(tile)?.live ?? [])
    if (live.attempt === attempt) live.sequence = sequence;
}

/**
 * Takes an attempt that has ended out of those that are live. One that nobody knows of (an earlier coordinator queued it)
 * stands for all if it is newer than all.
 * @returns whether another attempt at the tile is still live.
 */
export function dropLive(frame: LiveFrame, tile: number, attempt: number): boolean {
  const others =
    attempt > frame.attempts[tile]!
      ? []
      : liveAttempts(frame, tile).filter((live) => live.attempt !== attempt);
  const known = frame.cases.get(tile);
  if (known) known.live = others;
  return others.length > 0;
}

/** Nodes that failed a tile, or whose opinion on it is known. */
export function unwantedNodes(frame: LiveFrame, tile: number): NodeId[] {
  const failed = frame.failedAttempts.of(tile).map(({ nodeId }) => nodeId as NodeId);
  const candidates = frame.cases.get(tile)?.candidates ?? [];
  return [...failed, ...candidates.map(({ nodeId }) => nodeId)];
}

/**
 * The one result of a tile that waits for a second opinion which nobody may give.
 * @param workers nodes that may take tiles of its job; asked for only where a result waits.
 */
export function loneCandidate(
  frame: LiveFrame,
  tile: number,
  workers: () => readonly NodeId[],
): PlacedResult | undefined {
  const candidates = frame.cases.get(tile)?.candidates ?? [];
  const [first] = candidates;
  if (!first || candidates.length > 1) return undefined;
  return isLeftAlone([first.nodeId], workers()) ? first : undefined;
}

/** Bytes of a tile's results that memory holds. */
export function heldBytes(frame: LiveFrame, tile: number): number {
  const candidates = frame.cases.get(tile)?.candidates ?? [];
  const placed = frame.results[tile]?.bytes?.byteLength ?? 0;
  return candidates.reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0), placed);
}
