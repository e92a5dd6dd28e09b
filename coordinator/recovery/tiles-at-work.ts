/**
 * Which tiles an agent that ended was rendering, and what follows for them. Pure functions.
 *
 * A tile that ends every agent (a crash in native code, all the machine's memory) leaves no failed attempt behind: its
 * lease is ended, the next agent gets it, and so on for ever, together with the innocent tiles of the other slots. So
 * losses are counted per tile, as long as it is not done:
 *
 *   1 and 2          nothing: the tile goes to the next node at once
 *   3                it is isolated: queued anew, only while no other isolated tile of the farm is out, so that innocent
 *                    tiles part from it and get done
 *   every later one  a failed attempt (NODE_LOST)
 *
 * So a tile that ends every agent fails after `LOSSES_UNTIL_ISOLATED + maxAttempts` of them (7 by default). An innocent
 * tile needs as many losses in a row: where a tile has a chance p to be in a slot of an agent that is killed, it fails
 * with about p^7. Tiles of 1 s on agents that are killed every 20 s each: p = 0.05, so 1 of 10^9; tiles of 5 s: p = 0.22,
 * 1 of 40,000. Losses that count as attempts from the first on would give 1 of 400 there.
 */
import type { Heartbeat, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';

export const LOSSES_UNTIL_ISOLATED = 3;

export type LossConsequence = 'goes on' | 'isolated' | 'attempt failed';

/** @param losses this one included. */
export function lossConsequence(losses: number): LossConsequence {
  if (losses < LOSSES_UNTIL_ISOLATED) return 'goes on';
  return losses === LOSSES_UNTIL_ISOLATED ? 'isolated' : 'attempt failed';
}

/**
 * The attempts that may have been in a slot's thread when an agent ended, by job. After its last heartbeat it may have
 * gone on to the next ones: a slot that a finished tile has left took the tile that came next.
 * @param isOver whether nobody waits for an attempt any more: its tile is done, or it has ended itself.
 */
export function tilesAtWork(
  { inHand, slots }: Pick<Heartbeat, 'inHand' | 'slots'>,
  isOver: (jobId: JobId, held: HeldAttempt) => boolean,
): ReadonlyMap<JobId, readonly HeldAttempt[]> {
  const open = inHand.map(({ jobId, attempts, rendering = 0 }) => {
    const isOpen = (held: HeldAttempt) => !isOver(jobId, held);
    return {
      jobId,
      rendering: attempts.slice(0, rendering).filter(isOpen),
      next: attempts.slice(rendering).filter(isOpen),
    };
  });
  const busy = open.reduce((sum, { rendering }) => sum + rendering.length, 0);
  const free = Math.max(0, slots - busy);
  return new Map(open.map(({ jobId, rendering, next }) => [jobId, [...rendering, ...next.slice(0, free)]]));
}

/**
 * Slots that may have held tiles of which an agent had not told when it ended. What it had told of goes first: only where
 * less of that is left than it has slots, something newer has begun.
 */
export function spareSlots(
  { inHand, slots }: Pick<Heartbeat, 'inHand' | 'slots'>,
  isOver: (jobId: JobId, held: HeldAttempt) => boolean,
): number {
  let spare = slots;
  for (const { jobId, attempts } of inHand)
    for (const held of attempts) {
      if (!isOver(jobId, held)) spare--;
      if (spare <= 0) return 0;
    }
  return spare;
}
