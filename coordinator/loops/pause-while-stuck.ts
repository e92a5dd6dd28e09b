/** While the bus takes no messages, no job goes on: they are shown as paused, with the reason. */
import type { PublishingHooks } from '#shared/bus/watch-publishing.js';
import type { Farm } from '../farm.js';

const KEY = 'bus';

export function pauseWhileStuck(farm: Farm): PublishingHooks {
  const { jobs, events } = farm;
  const paused = new Set<string>();
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
      for (const job of jobs.liveJobs()) {
        const { jobId, state } = job;
        if (!paused.has(jobId) || !jobs.waits.end(jobId, KEY)) continue;
        const message = `the bus takes messages again, after ${(afterMs / 1000).toFixed(1)} s`;
        void events.publish({ jobId, kind: 'resumed', state, message });
      }
      paused.clear();
    },
  };
}
