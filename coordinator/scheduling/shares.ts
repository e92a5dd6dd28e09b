/**
 * Who should have a slot rather than whom. Between studios: weighted max-min fairness, in whole slots: the sum of
 * slots² ÷ share becomes as small as it can be, but nobody is without a slot while others have several. Within a studio:
 * higher priority first, equals alike. No exchange that is allowed here can be undone by others: they come to an end.
 * Sources: Bertsekas and Gallager, Data Networks, section 6.5.2 (max-min fairness); Frank and Murota, Decreasing
 * minimization on M-convex sets (why steps of one slot find it); rounding is Webster's (Sainte-Laguë).
 */
import type { JobEntry, StudioEntry } from './ledger.js';
import { hasTurn } from './turns.js';

/**
 * What the next slot costs, if the studio has `slots`: the higher, the less it is its turn. The first one costs nothing,
 * and less still the longer the studio has waited for it: where studios are more than slots, they take turns.
 */
function cost(slots: number, { policy, waitedSteps }: StudioEntry): number {
  return slots === 0 ? -waitedSteps : (slots + 0.5) / policy.share;
}

/** Whether all of the last `slots` of `giver` cost more than the next one of `taker`. */
export function isRicher(giver: StudioEntry, taker: StudioEntry, slots = 1): boolean {
  return giver.slots >= slots && cost(giver.slots - slots, giver) > cost(taker.slots, taker);
}

/** Whether the job may have slots of `giver`, which then has `slots` fewer. */
export function mayTake(taker: JobEntry, giver: JobEntry, slots = 1): boolean {
  if (taker === giver || giver.slots < slots) return false;
  if (taker.studio !== giver.studio)
    return isRicher(giver.studio, taker.studio, slots) && !hasTurn(giver, slots);
  const lead = taker.job.priority - giver.job.priority;
  return lead > 0 || (lead === 0 && giver.slots - slots > taker.slots);
}

/**
 * How many slots `taker` takes from `giver` at once: few enough that no one of them would have to go back, since others
 * give as well.
 * @param studioCount  studios that have slots.
 */
export function takeAtOnce(taker: JobEntry, giver: JobEntry, studioCount: number): number {
  const { studio } = taker;
  if (studio === giver.studio) {
    if (taker.job.priority > giver.job.priority) return giver.slots;
    const gap = Math.floor((giver.slots - taker.slots) / 2);
    return Math.max(1, Math.floor(gap / studio.jobs.size));
  }
  const { share } = studio.policy;
  const { share: giverShare } = giver.studio.policy;
  const gap = (giver.studio.slots * share - studio.slots * giverShare) / (share + giverShare);
  return Math.max(1, Math.floor(gap / studioCount));
}

/** Negative: `one` is to be served before `other` of the same studio. */
export function byNeed(one: JobEntry, other: JobEntry): number {
  return other.job.priority - one.job.priority || one.slots - other.slots || byAge(one, other);
}

/** Negative: `one` is to give slots before `other` of the same studio. */
export function byPlenty(one: JobEntry, other: JobEntry): number {
  return one.job.priority - other.job.priority || other.slots - one.slots || byAge(other, one);
}

/** Negative: `one` has less for its share. */
export function byLevel(one: StudioEntry, other: StudioEntry): number {
  return (
    cost(one.slots, one) - cost(other.slots, other) ||
    other.policy.share - one.policy.share ||
    (one.studio < other.studio ? -1 : 1)
  );
}

function byAge({ job: one }: JobEntry, { job: other }: JobEntry): number {
  return one.createdAtMs - other.createdAtMs || (one.jobId < other.jobId ? -1 : 1);
}
