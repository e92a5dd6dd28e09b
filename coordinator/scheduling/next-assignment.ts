/**
 * What is written for a node next: the slots that it is to give, and what becomes of the jobs that it was told to work for
 * and no longer is. Pure.
 */
import type { Assignment, Heartbeat } from '#shared/bus/messages.js';
import type { JobId, PlanId } from '#shared/domain/ids.js';

export interface WantedSlots {
  readonly jobId: JobId;
  readonly planId: PlanId;
  readonly slots: number;
  /** Absent: it may use what no other job of the node has tiles for. */
  readonly slotsMax?: number | undefined;
}

export interface NodeBefore {
  readonly assignment: Assignment;
  /** Of its write; nothing: not known. */
  readonly revision: number | undefined;
}

export interface NextAssignmentParts {
  /** What the bucket holds; nothing: it has never been told anything. */
  readonly before: NodeBefore | undefined;
  readonly wanted: readonly WantedSlots[];
  /** As it last spoke; nothing: it has not. */
  readonly heartbeat: Pick<Heartbeat, 'assignmentRevision' | 'inHand' | 'inHandLeftOut'> | undefined;
  /**
   * Whether what it renders of a job beyond the slots that it keeps is to be aborted: the job has ended, is kept from it,
   * or is ousted.
   */
  isOver(jobId: JobId): boolean;
}

/** By job id, so that equal assignments are equal texts. */
export function nextAssignment({ before, wanted, heartbeat, isOver }: NextAssignmentParts): Assignment {
  // A write that comes too soon after another one hides it.
  const isUnread = before !== undefined && heartbeat?.assignmentRevision !== before.revision;
  const stillYields = (jobId: JobId) =>
    isUnread && before.assignment.jobs.some((job) => job.jobId === jobId && job.yields);
  const jobs = wanted
    .filter(({ slots }) => slots > 0)
    .sort(byId)
    .map(({ jobId, planId, slots, slotsMax }) => ({
      ...{ jobId, planId, slots },
      ...(slotsMax !== undefined && { slotsMax: Math.max(slots, slotsMax) }),
      ...((isOver(jobId) || stillYields(jobId)) && { yields: true as const }),
    }));
  const working = new Set(jobs.map(({ jobId }) => jobId));
  const finishing: { jobId: JobId; planId: PlanId }[] = [];
  const leaves = ({ jobId }: { readonly jobId: JobId }) => !working.has(jobId) && !isOver(jobId);
  for (const { jobId, planId } of before?.assignment.jobs ?? [])
    if (leaves({ jobId })) finishing.push({ jobId, planId });
  for (const one of before?.assignment.finishing ?? [])
    if (leaves(one) && !hasFinished(one.jobId, before!.revision, heartbeat))
      finishing.push({ jobId: one.jobId, planId: one.planId });
  return finishing.length > 0 ? { jobs, finishing: finishing.sort(byId) } : { jobs };
}

/** Whether some job that a node was to finish has nothing in its hand any more: its assignment is to be written anew. */
export function isFinishingOver(
  { assignment, revision }: NodeBefore,
  heartbeat: Pick<Heartbeat, 'assignmentRevision' | 'inHand' | 'inHandLeftOut'>,
): boolean {
  return assignment.finishing?.some(({ jobId }) => hasFinished(jobId, revision, heartbeat)) ?? false;
}

/** A node that works by another write than the last may still take tiles of it. */
function hasFinished(
  jobId: JobId,
  revision: number | undefined,
  heartbeat: Pick<Heartbeat, 'assignmentRevision' | 'inHand' | 'inHandLeftOut'> | undefined,
): boolean {
  if (!heartbeat || heartbeat.inHandLeftOut > 0) return false;
  const isCurrent = heartbeat.assignmentRevision === undefined || heartbeat.assignmentRevision === revision;
  return isCurrent && !heartbeat.inHand.some((hand) => hand.jobId === jobId && hand.attempts.length > 0);
}

const byId = (a: { readonly jobId: JobId }, b: { readonly jobId: JobId }): number =>
  a.jobId < b.jobId ? -1 : 1;
