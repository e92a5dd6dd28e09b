/** Rebuilds the registry from the store: ended jobs by their records, others with the frames that they have finished. */

import { nextJobState } from '#shared/state/job-state.js';
import type { FrameResult } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import type { EndedFrame } from './job-progress.js';
import { LiveJob } from './live-job.js';

export async function loadJobs(farm: Farm): Promise<void> {
  for (const { record, ended, frames, retries, layouts, damaged } of await farm.store.jobs.loadAll()) {
    if (ended) farm.jobs.addEnded({ record, ended });
    else {
      const job = new LiveJob(record, frames.map(toEndedFrame), retries, layouts);
      if (frames.length > 0 || retries.count > 0) job.state = nextJobState(job.state, 'work_seen');
      farm.jobs.addLive(job);
      farm.log.info({ jobId: record.jobId, framesEnded: frames.length }, 'job goes on');
      if (damaged.length > 0) await tellDamaged(farm, job, damaged);
    }
  }
}

/**
 * Stored before the events are resumed (resume-events.ts): behind it the end that was told before is not the last event,
 * and so is not taken for the end before a retry.
 */
async function tellDamaged(farm: Farm, { jobId, state }: LiveJob, damaged: readonly string[]): Promise<void> {
  const last = await farm.events.resume(jobId);
  // Nothing was told of the job: its submit is the first to be.
  if (!last) return;
  const message = `${damaged.join(' and ')} of the job could not be read; it goes on by the records of its frames`;
  await farm.events.publish({ jobId, kind: 'repaired', state, message });
}

export function toEndedFrame(frame: FrameResult): EndedFrame {
  return {
    frame: frame.frame,
    state: frame.state,
    tilesDone: frame.tilesDone,
    tilesFailed: frame.state === 'failed' ? frame.failedTiles.length : 0,
    coreSeconds: frame.coreSeconds,
    counts: {
      attemptsFailed: frame.attemptsFailed,
      tilesSpeculated: frame.tilesSpeculated,
      tilesVerified: frame.tilesVerified,
    },
  };
}
