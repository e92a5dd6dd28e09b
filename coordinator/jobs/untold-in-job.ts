/** A job's tiles that were delivered and that no node has in hand: first those to look at, then what is to be done about them. */
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { GivenTiles } from '../recovery/given-tiles.js';
import { lostTiles } from '../recovery/lost-tiles.js';
import { type LostAgent, type QueueLook, type UntoldTiles, untoldTiles } from '../recovery/untold-tiles.js';
import type { LiveJob } from './live-job.js';
import { type QueuedTile, queuedTiles } from './queued-tiles.js';
import { isAttemptLive, liveAttempts } from './tile-case.js';

/** What is known when a job is looked through. Times are of a clock that only goes forward. */
export interface JobSweep {
  readonly job: LiveJob;
  readonly look: QueueLook;
  readonly lookedAtMs: number;
  /** Agents that were lost before the look. */
  readonly lost: readonly LostAgent[];
  readonly given: GivenTiles;
}

/**
 * @param liveHands what nodes have told of the job since the look: all of it.
 * @returns tiles that may have been given to somebody and are in no hand; `sequence` 0: the stream has to be asked for it.
 */
export function suspectedTiles(
  { job, look, given }: JobSweep,
  liveHands: readonly HeldAttempt[],
): QueuedTile[] {
  const queued = queuedTiles(job);
  given.keepQueued(job.jobId, queued);
  given.taken(job.jobId, liveHands);
  return lostTiles({ queued, lostHands: [], liveHands, deliveredUpTo: look.deliveredUpTo });
}

/** @param suspects with their sequences; 0: not in the stream. */
export function judgeSuspects(
  { job, look, lookedAtMs, lost, given }: JobSweep,
  suspects: readonly QueuedTile[],
  nowMs: number,
): UntoldTiles<QueuedTile> {
  const isDelivered = ({ sequence }: QueuedTile) => sequence > 0 && sequence <= look.deliveredUpTo;
  // Its frame may have ended meanwhile.
  const isStillLive = ({ open, tile, attempt }: QueuedTile) =>
    open.state === 'rendering' && isAttemptLive(open, tile, attempt);
  return untoldTiles({
    ...{ look, lookedAtMs, lost },
    tiles: suspects.filter((one) => isDelivered(one) && isStillLive(one)),
    givenAtMs: (one) => given.givenAtMs(job.jobId, one),
    isWaiting: (givenAtMs) => given.isWaiting(givenAtMs, { nowMs, isWaitedFor: look.isWaitedFor }),
    isAvoided: ({ open, tile, attempt }) =>
      liveAttempts(open, tile).some((live) => live.attempt === attempt && live.avoid.length > 0),
  });
}
