/**
 * Which limits keep a job from one more slot: its own, its studio's, and licences. The number that is named is one that
 * surely helps this job: where others are first in line, they are counted in.
 */
import {
  type FarmJob,
  type FarmNode,
  type FarmSnapshot,
  type LicencePolicy,
  type SchedulingPolicy,
  STUDIO_DEFAULT,
  type StudioPolicy,
} from './farm-model.js';
import { counted } from './in-words.js';
import { slotsMaxOf } from './limits.js';
import type { Wait } from './scheduler-view.js';
import type { Usage } from './usage.js';
import { WAYS_OUT } from './ways-out.js';

export interface LimitsAsked {
  readonly snapshot: FarmSnapshot;
  readonly policy: SchedulingPolicy;
  readonly usage: Usage;
  /** Tokens that nodes hold, as `SchedulerView.licencesInUse`; absent: those of the allocation. */
  readonly licencesInUse?: ReadonlyMap<string, number> | undefined;
}

/** Slots that it could use if nothing held it back: its last tile may be one that the first node leaves to others. */
export function slotsWanted({ demand, nodesMin }: FarmJob): number {
  return demand > 0 ? Math.max(demand, nodesMin) : 0;
}

/** What it lacks by its own measure. */
export function unmet(job: FarmJob, usage: Usage): number {
  return Math.max(0, slotsMaxOf(job) - (usage.slotsByJob.get(job.jobId) ?? 0));
}

export function studioPolicy(policy: SchedulingPolicy, { studio }: Pick<FarmJob, 'studio'>): StudioPolicy {
  return policy.studios.get(studio) ?? STUDIO_DEFAULT;
}

/** @param room nodes with a free slot that the job could take but for these limits. */
export function limitsReached(asked: LimitsAsked, job: FarmJob, room: readonly FarmNode[]): readonly Wait[] {
  const { usage, policy } = asked;
  const isJobFull = isFull(job.maxSlots, usage.slotsByJob.get(job.jobId) ?? 0);
  const isStudioFull = isFull(studioPolicy(policy, job).maxSlots, usage.slotsByStudio.get(job.studio) ?? 0);
  const licences = licencesOut(asked, job, room);
  // What is behind another obstacle cannot take what this one lets through: then all others come first, not only those of
  // higher priority.
  const count = Number(isJobFull) + Number(isStudioFull) + licences.length;
  const isOnly = count === 1 && room.length > 0;
  const waits: Wait[] = [];
  if (isJobFull) waits.push(jobMax(asked, job));
  if (isStudioFull) waits.push(studioMax(asked, job, isOnly));
  for (const licence of licences) waits.push(licenceOut(asked, job, licence, isOnly));
  return waits;
}

function isFull(maxSlots: number, slots: number): boolean {
  return maxSlots > 0 && slots >= maxSlots;
}

/** Licences that leave it no token; those by node are no matter where a node with room has them all. */
function licencesOut(asked: LimitsAsked, job: FarmJob, room: readonly FarmNode[]): readonly string[] {
  const out = [...new Set(job.licences)].filter((licence) => isOut(asked, licence));
  const byNode = new Set(out.filter((licence) => licenceOf(asked, licence).per === 'node'));
  const holdsAll = ({ nodeId }: FarmNode) => {
    for (const licence of byNode) if (!asked.usage.tokenNodes.get(licence)?.has(nodeId)) return false;
    return true;
  };
  return byNode.size > 0 && room.some(holdsAll) ? out.filter((licence) => !byNode.has(licence)) : out;
}

function jobMax({ usage }: LimitsAsked, { jobId, maxSlots }: FarmJob): Wait {
  const slots = usage.slotsByJob.get(jobId) ?? 0;
  const need = slots + 1;
  return {
    kind: 'job_max',
    have: slots,
    need,
    subject: jobId,
    message: `it has the ${counted(maxSlots, 'slot')} that it may have at most: ${WAYS_OUT.jobMaxSlots(jobId, need)}`,
  };
}

function studioMax({ usage, policy, snapshot }: LimitsAsked, job: FarmJob, isOnly: boolean): Wait {
  const { maxSlots } = studioPolicy(policy, job);
  const slots = usage.slotsByStudio.get(job.studio) ?? 0;
  const ahead = unmetOf(snapshot, usage, (other) => {
    if (other.jobId === job.jobId || other.studio !== job.studio) return false;
    return !isOnly || other.priority >= job.priority;
  });
  const need = slots + ahead + 1;
  return {
    kind: 'studio_max',
    have: slots,
    need,
    subject: job.studio,
    message: `studio ${job.studio} has the ${counted(maxSlots, 'slot')} that it may have at most${inLine(ahead, 'its other jobs')}: ${WAYS_OUT.studioMaxSlots(job.studio, need)}`,
  };
}

const NO_TOKENS: LicencePolicy = { total: 0, per: 'slot' };

function licenceOf({ policy }: LimitsAsked, licence: string): LicencePolicy {
  return policy.licences.get(licence) ?? NO_TOKENS;
}

function inUseOf({ usage, licencesInUse }: LimitsAsked, licence: string): number {
  return Math.max(usage.tokens.get(licence) ?? 0, licencesInUse?.get(licence) ?? 0);
}

function isOut(asked: LimitsAsked, licence: string): boolean {
  return inUseOf(asked, licence) >= licenceOf(asked, licence).total;
}

function licenceOut(asked: LimitsAsked, job: FarmJob, licence: string, isOnly: boolean): Wait {
  const { usage, snapshot } = asked;
  const { total, per } = licenceOf(asked, licence);
  const inUse = inUseOf(asked, licence);
  const ahead = unmetOf(snapshot, usage, (other) => {
    if (other.jobId === job.jobId || !other.licences.includes(licence)) return false;
    return !isOnly || other.studio !== job.studio || other.priority >= job.priority;
  });
  const need = inUse + ahead + 1;
  const way = WAYS_OUT.licenceTotal(licence, need);
  const leaving = inUse - (usage.tokens.get(licence) ?? 0);
  const until = leaving > 0 ? `, ${leaving} of them until nodes confirm that they have stopped` : '';
  const what =
    total === 0
      ? `licence ${licence} has no tokens`
      : `licence ${licence} has ${inUse} of ${total === 1 ? '1 token' : `${total} tokens`} in use${per === 'node' ? ' (one per node)' : ''}${until}`;
  return {
    kind: 'licence',
    have: inUse,
    need,
    subject: licence,
    message: `${what}${inLine(ahead, 'other jobs')}: ${way}`,
  };
}

function unmetOf(snapshot: FarmSnapshot, usage: Usage, counts: (job: FarmJob) => boolean): number {
  let slots = 0;
  for (const job of snapshot.jobs) if (counts(job)) slots += unmet(job, usage);
  return slots;
}

function inLine(ahead: number, whose: string): string {
  return ahead === 0 ? '' : `, and ${whose} in line want ${ahead} more`;
}
