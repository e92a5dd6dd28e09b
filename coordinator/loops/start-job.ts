/** When a job counts as running: from the first result, or the first heartbeat of a node that works for it. */
import { nextJobState } from '#shared/state/job-state.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';

/** The first sign that a node works for a job. @param isNews no earlier run has told it. */
export function startJob(farm: Farm, job: LiveJob, isNews: boolean): void {
  if (job.state !== 'queued') return;
  job.state = nextJobState(job.state, 'work_seen');
  job.changes++;
  farm.log.info({ jobId: job.jobId, from: 'queued', to: job.state, event: 'work_seen' }, 'job state changed');
  if (!isNews) return;
  void farm.events.publish({
    jobId: job.jobId,
    kind: 'started',
    state: job.state,
    message: 'the first node is at work',
  });
}
