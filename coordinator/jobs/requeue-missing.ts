/** Plans tiles of a job anew that count as queued and are nowhere (recovery/missing-tiles.ts). */
import { missingTiles, type QueueSight } from '../recovery/missing-tiles.js';
import type { LiveJob } from './live-job.js';
import type { QueuedTile } from './queued-tiles.js';
import { isAttemptLive } from './tile-case.js';

/**
 * Call it once all results of before the look at the queue are taken.
 * @param sight `queued` is what counted as queued before the queue was looked at.
 * @returns those that are planned anew.
 */
export function requeueMissing(job: LiveJob, sight: QueueSight<QueuedTile>): QueuedTile[] {
  const isStillLive = ({ open, tile, attempt }: QueuedTile) =>
    open.state === 'rendering' && isAttemptLive(open, tile, attempt);
  const missing = missingTiles({
    queued: sight.queued.filter(isStillLive),
    isInQueue: (one) => sight.isInQueue(one),
    isStuck: sight.isStuck,
    get liveHands() {
      return sight.liveHands;
    },
  });
  for (const { open, tile, attempt } of missing) job.requeue(open, tile, attempt);
  return missing;
}
