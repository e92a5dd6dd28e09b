/** While the bus takes no messages, no job goes on: they are shown as paused, with the reason. */
import type { PublishingHooks } from '#shared/bus/watch-publishing.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';

const KEY = 'bus';

export function pauseWhileStuck(farm: Farm): PublishingHooks {
  const { jobs, events } = farm;
  const paused = new Set<JobId>();
  return {
    stuck(reason) {
      for (const job of jobs.liveJobs()) {
        const { jobId, state } = job;
        const isFirst = jobs.waits.begin(jobId, KEY, `it waits for the bus: ${reason}`);
        paused.add(jobId);
        // Kept until the bus takes events again: it then tells of what was.
        if (isFirst)
          void events.publish({ jobId, kind: 'paused', state, message: `it waits for the bus: ${reason}` });
      }
    },
    flowing(afterMs) {
      const message = `the bus takes messages again, after ${(afterMs / 1000).toFixed(1)} s`;
      for (const jobId of paused) {
        const isOver = jobs.waits.end(jobId, KEY);
        // It may have ended meanwhile.
        const job = jobs.liveJob(jobId);
        if (isOver && job) void events.publish({ jobId, kind: 'resumed', state: job.state, message });
      }
      paused.clear();
    },
  };
}
