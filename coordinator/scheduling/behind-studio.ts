/** Which jobs of its own studio keep slots from a job: priority says who is first, equal ones share. */
import type { Contention } from './contention.js';
import type { FarmJob } from './farm-model.js';
import { counted } from './in-words.js';
import { type LimitsAsked, unmet } from './limits-reached.js';
import type { Wait } from './scheduler-view.js';
import type { Usage } from './usage.js';
import { WAYS_OUT } from './ways-out.js';

/** As `prioritySchema` has it. */
const PRIORITY_MAX = 100;

/** Jobs of the same studio that come first, or share equally: those that have slots which it could use, else those that wait. */
export function behindItsStudio(contention: Contention, asked: LimitsAsked, job: FarmJob): Wait | undefined {
  const slotsThere = ({ jobId }: FarmJob) => contention.others.get(jobId) ?? 0;
  const same = asked.snapshot.jobs.filter((one) => one.jobId !== job.jobId && one.studio === job.studio);
  const holders = same.filter((one) => one.priority >= job.priority && slotsThere(one) > 0);
  if (holders.length > 0) {
    const lowest = holders.reduce((low, one) => (one.priority < low.priority ? one : low));
    const slots = holders.reduce((sum, one) => sum + slotsThere(one), 0);
    return rivalry(
      asked,
      job,
      lowest,
      `${holders.length === 1 ? 'has' : 'have'} ${counted(slots, 'slot')} that it could use`,
      holders.length,
    );
  }
  const waiting = same.filter((one) => unmet(one, asked.usage) > 0 && isServedFirst(one, job, asked.usage));
  if (waiting.length === 0) return undefined;
  const highest = waiting.reduce((high, one) => (one.priority > high.priority ? one : high));
  return rivalry(
    asked,
    job,
    highest,
    `${waiting.length === 1 ? 'waits' : 'wait'} for slots before it`,
    waiting.length,
  );
}

/** As shares.ts has it among those of a studio that wait. */
function isServedFirst(one: FarmJob, job: FarmJob, { slotsByJob }: Usage): boolean {
  if (one.priority !== job.priority) return one.priority > job.priority;
  const lead = (slotsByJob.get(job.jobId) ?? 0) - (slotsByJob.get(one.jobId) ?? 0);
  return lead > 0 || (lead === 0 && one.createdAtMs <= job.createdAtMs);
}

/** @param rival whom it has to be put before. */
function rivalry(
  { usage: { slotsByJob } }: LimitsAsked,
  job: FarmJob,
  rival: FarmJob,
  what: string,
  count: number,
): Wait {
  const isEqual = rival.priority === job.priority;
  const ahead = (slotsByJob.get(rival.jobId) ?? 0) - (slotsByJob.get(job.jobId) ?? 0);
  // Nothing is above the top: there it may be made equal, where sharing gives it more, else the other one has to go down.
  const isLowered = rival.priority >= PRIORITY_MAX && (isEqual || ahead < 2) && job.priority > 0;
  const moved = isLowered ? rival : job;
  const need = isLowered ? job.priority - 1 : Math.min(PRIORITY_MAX, rival.priority + 1);
  const who =
    count === 1
      ? `job ${rival.jobId} of its studio`
      : `${count} jobs of its studio, ${rival.jobId} among them,`;
  const rank = isEqual
    ? `with priority ${job.priority} as well`
    : `with priority ${rival.priority} over its ${job.priority}`;
  return {
    kind: 'share',
    have: moved.priority,
    need,
    subject: rival.jobId,
    message: `${who} ${rank} ${what}: ${WAYS_OUT.jobPriority(moved.jobId, need)}`,
  };
}
