/** Which tiles that count as queued have to be queued again. A pure function; a wrong guess costs one more render. */
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { QueuedAttempt } from './lost-tiles.js';
import { attemptKey, heldKey } from './lost-tiles.js';

export interface QueueSight<Tile extends QueuedAttempt> {
  /** Whatever counts as queued, and has no result although every result of before the look has been taken. */
  readonly queued: readonly Tile[];
  /** Whether the queue has the attempt's message. */
  isInQueue(tile: Tile): boolean;
  /** The queue has messages that it delivers to nobody (a server that was killed): being in it counts for nothing then. */
  readonly isStuck: boolean;
  /**
   * What nodes that are there said they had in hand; read only when it matters. Where some left out a part of theirs,
   * their tiles count as missing.
   */
  readonly liveHands: readonly HeldAttempt[];
}

export function missingTiles<Tile extends QueuedAttempt>(sight: QueueSight<Tile>): Tile[] {
  const { queued, isStuck } = sight;
  const lost = queued.filter((tile) => isStuck || !sight.isInQueue(tile));
  if (lost.length === 0) return lost;
  // Its message may be gone while the node renders it: a purge, an expired lease that another acknowledged.
  const inHand = new Set(sight.liveHands.map(heldKey));
  return lost.filter(({ frame, tile, attempt }) => !inHand.has(attemptKey(frame, tile, attempt)));
}
