/** Something of a job was not as it should be and was mended: one line in the log, one event. */
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';

export function tellRepaired(farm: Farm, job: LiveJob, message: string): void {
  const { jobId, state } = job;
  farm.log.warn({ jobId, repair: message }, 'job repaired');
  void farm.events.publish({ jobId, kind: 'repaired', state, message });
}
