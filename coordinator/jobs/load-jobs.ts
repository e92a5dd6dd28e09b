/** Rebuilds the registry from the store: ended jobs by their records, others with the frames that they have finished. */

import { nextJobState } from '#shared/state/job-state.js';
import type { FrameResult } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import type { EndedFrame } from './job-progress.js';
import { LiveJob } from './live-job.js';

export async function loadJobs(farm: Farm): Promise<void> {
  for (const { record, ended, frames, retries } of await farm.store.jobs.loadAll()) {
    if (ended) farm.jobs.addEnded({ record, ended });
    else {
      const job = new LiveJob(record, frames.map(toEndedFrame), retries);
      if (frames.length > 0 || retries.count > 0) job.state = nextJobState(job.state, 'work_seen');
      farm.jobs.addLive(job);
      farm.log.info({ jobId: record.jobId, framesEnded: frames.length }, 'job goes on');
    }
  }
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
