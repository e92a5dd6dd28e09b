/**
 * Which queued tiles of a job are with nobody any more, from what nodes last said they had in hand. A pure function.
 *
 * A wrong guess costs a second render of the same pixels; a tile that is overlooked waits until its lease runs out.
 */
import type { HeldAttempt } from '#shared/bus/messages.js';

/** An attempt that counts as queued: in the stream, or with a node. */
export interface QueuedAttempt {
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  /** Of its message in TILES; 0: not known (an earlier coordinator queued it). */
  readonly sequence: number;
}

export interface JobHands<T extends QueuedAttempt = QueuedAttempt> {
  readonly queued: readonly T[];
  /** What lost nodes had in hand when they last spoke. */
  readonly lostHands: readonly HeldAttempt[];
  /** What all other nodes had in hand when they last spoke. */
  readonly liveHands: readonly HeldAttempt[];
  /**
   * Everything up to this sequence had been given to some node before any of `liveHands` was told, so that whatever of
   * it is in none of them is with a node that is gone, and was given to it after it had last spoken. 0: not known.
   */
  readonly deliveredUpTo: number;
}

/**
 * The same for many nodes that are lost together, one after the other: the job's tiles are looked through once.
 * @returns what is with nobody any more, of what one of them had in hand.
 */
export function tilesOfLostNodes<T extends QueuedAttempt>(
  queued: readonly T[],
  liveHands: readonly HeldAttempt[],
): (lostHands: readonly HeldAttempt[]) => T[] {
  const live = new Set(liveHands.map(heldKey));
  const open = new Map<string, T>();
  for (const candidate of queued) {
    const key = attemptKey(candidate.frame, candidate.tile, candidate.attempt);
    if (!live.has(key)) open.set(key, candidate);
  }
  return (lostHands) =>
    lostHands.flatMap((held) => {
      const candidate = open.get(heldKey(held));
      return candidate ? [{ ...candidate, sequence: newerSequence(candidate, held[3]) }] : [];
    });
}

/** @returns attempts whose lease is to be ended; `sequence` 0: the stream has to be asked for it. */
export function lostTiles<T extends QueuedAttempt>({
  queued,
  lostHands,
  liveHands,
  deliveredUpTo,
}: JobHands<T>): T[] {
  const live = new Set(liveHands.map(heldKey));
  const lost = new Map(lostHands.map((held) => [heldKey(held), held[3]]));
  const found: T[] = [];
  for (const candidate of queued) {
    const key = attemptKey(candidate.frame, candidate.tile, candidate.attempt);
    if (live.has(key)) continue;
    const sequence = lost.get(key);
    if (sequence !== undefined) found.push({ ...candidate, sequence: newerSequence(candidate, sequence) });
    else if (candidate.sequence <= deliveredUpTo && deliveredUpTo > 0) found.push(candidate);
  }
  return found;
}

/** An attempt that was queued twice (by an earlier coordinator, and again) may have been in hand with the message that is gone. */
function newerSequence({ sequence }: QueuedAttempt, held: number): number {
  return Math.max(sequence, held);
}

/** Names an attempt within its job. */
export function attemptKey(frame: number, tile: number, attempt: number): string {
  return `${frame}/${tile}/${attempt}`;
}

export function heldKey([frame, tile, attempt]: HeldAttempt): string {
  return attemptKey(frame, tile, attempt);
}
