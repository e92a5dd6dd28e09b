/**
 * A coordinator that was killed may have recorded something without telling it. At start the last event of each live job
 * says how far telling had come; what is missing of the job itself is told now, what came as results while nobody read
 * them is told by the collector. Nothing is told twice.
 */
import { nextJobState } from '#shared/state/job-state.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from './live-job.js';
import { tellRetried } from './retry-job.js';

/** Before anything else is told. */
export async function resumeEvents(farm: Farm): Promise<void> {
  for (const job of farm.jobs.liveJobs()) {
    const last = await farm.events.resume(job.jobId);
    if (!last) tellSubmitted(farm, job);
    else if (last.kind === 'finished' && job.frameRetries.count > 0) tellRetried(farm, job);
    else if (last.state === 'running' && job.state === 'queued')
      job.state = nextJobState(job.state, 'work_seen');
  }
}

export function tellSubmitted(farm: Farm, job: LiveJob): void {
  const { frames } = job.record;
  void farm.events.publish({
    jobId: job.jobId,
    kind: 'submitted',
    state: 'queued',
    message: `frames: ${frames.length}, tiles per frame: ${job.grid.count}`,
  });
}
