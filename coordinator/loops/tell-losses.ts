/** Tells of tiles that agents ended with too often, and reports those as failed that are to fail (jobs/lost-at-work.ts). */
import type { LeasedTile } from '#shared/bus/end-leases.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { CountedLoss, LossesCounted } from '../jobs/lost-at-work.js';
import { publishFailure } from './reject-result.js';

/** @returns the attempts that are to be taken out of the queue. */
export function tellLosses(
  farm: Farm,
  job: LiveJob,
  { isolated, failed }: LossesCounted,
  nodeId: NodeId,
): LeasedTile[] {
  const { jobId } = job;
  for (const loss of isolated) tellIsolated(farm, job, loss, nodeId);
  for (const loss of failed) reportLoss(farm, job, loss, nodeId);
  return [
    ...isolated.flatMap(({ lost: { frame, tile }, attempts }) =>
      attempts.map(({ attempt, sequence }) => ({ jobId, frame, tile, attempt, sequence })),
    ),
    ...failed.map(({ lost }) => ({ jobId, ...lost })),
  ];
}

function tellIsolated(farm: Farm, job: LiveJob, { lost, losses }: CountedLoss, nodeId: NodeId): void {
  const { frame, tile, attempt } = lost;
  const where = { jobId: job.jobId, frame, tile, attempt, nodeId };
  const message = `${losses} agents ended while they had tile ${tile} of frame ${frame}: from now on it is rendered apart from other such tiles`;
  farm.log.warn({ ...where, reason: message }, 'tile isolated');
  void farm.events.publish({ ...where, kind: 'warning', state: job.state, message });
}

/** Counts as a failed attempt, which may be the tile's last one. */
function reportLoss(farm: Farm, job: LiveJob, { lost, losses }: CountedLoss, nodeId: NodeId): void {
  const { frame, tile, attempt } = lost;
  const reason = `${losses} agents ended while they rendered it`;
  const failure = { frame, tile, attempt, nodeId, renderer: '', reason, code: 'NODE_LOST' } as const;
  void publishFailure(farm, job, failure).catch((err: unknown) => {
    if (!farm.signal.aborted) farm.log.error({ jobId: job.jobId, err }, 'lost tile not reported');
  });
}
