/**
 * Counts the agents that ended while they rendered a tile: one that ends agent after agent is isolated, and at last fails
 * (tiles-at-work.ts).
 */
import type { LeasedTile } from '#shared/bus/end-leases.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { QueuedTile } from '../jobs/queued-tiles.js';
import { isAttemptLive, liveAttempts } from '../jobs/tile-case.js';
import { lossConsequence } from '../recovery/tiles-at-work.js';
import { publishFailure } from './reject-result.js';

export interface LossesCounted {
  /** Tiles that go to others. */
  readonly kept: readonly QueuedTile[];
  /** Attempts that are to be taken out of the queue. */
  readonly withdrawn: readonly LeasedTile[];
  /** Some are planned anew. */
  readonly areIsolated: boolean;
}

/**
 * @param tiles  what no node has any more.
 * @param atWork those of them that were in a slot's thread when an agent ended.
 */
export function countLosses(
  farm: Farm,
  job: LiveJob,
  tiles: readonly QueuedTile[],
  atWork: readonly QueuedTile[],
  nodeId: NodeId,
): LossesCounted {
  const { jobId } = job;
  const kept = new Set(tiles);
  const withdrawn: LeasedTile[] = [];
  let areIsolated = false;
  for (const one of atWork) {
    const { open, frame, tile, attempt } = one;
    // Isolated a moment ago, when its other attempt was lost.
    if (!isAttemptLive(open, tile, attempt)) continue;
    const losses = job.countLoss(open, tile);
    const consequence = lossConsequence(losses);
    if (consequence === 'goes on') continue;
    kept.delete(one);
    if (consequence === 'isolated') {
      for (const live of liveAttempts(open, tile)) withdrawn.push({ jobId, frame, tile, ...live });
      job.isolate(open, tile);
      tellIsolated(farm, job, one, losses, nodeId);
      areIsolated = true;
    } else {
      withdrawn.push({ jobId, ...one });
      reportLoss(farm, job, one, losses, nodeId);
    }
  }
  return { kept: [...kept], withdrawn, areIsolated };
}

function tellIsolated(farm: Farm, job: LiveJob, lost: QueuedTile, losses: number, nodeId: NodeId): void {
  const { frame, tile, attempt } = lost;
  const where = { jobId: job.jobId, frame, tile, attempt, nodeId };
  const message = `${losses} agents ended while they had tile ${tile} of frame ${frame}: from now on it is rendered apart from other such tiles`;
  farm.log.warn({ ...where, reason: message }, 'tile isolated');
  void farm.events.publish({ ...where, kind: 'warning', state: job.state, message });
}

/** Counts as a failed attempt, which may be the tile's last one. */
function reportLoss(farm: Farm, job: LiveJob, lost: QueuedTile, losses: number, nodeId: NodeId): void {
  const { frame, tile, attempt } = lost;
  const reason = `${losses} agents ended while they rendered it`;
  const failure = { frame, tile, attempt, nodeId, renderer: '', reason, code: 'NODE_LOST' } as const;
  void publishFailure(farm, job, failure).catch((err: unknown) => {
    if (!farm.signal.aborted) farm.log.error({ jobId: job.jobId, err }, 'lost tile not reported');
  });
}
