/**
 * What a node is to be told: the allocator's slots for it, what each job may use beyond them, and which of the jobs that it
 * no longer works for are aborted there rather than finished.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { Allocator } from '../scheduling/allocator.js';
import type { FarmJob } from '../scheduling/farm-model.js';
import type { WantedSlots } from '../scheduling/next-assignment.js';
import { burstMax, isOusted } from '../scheduling/slots-on-node.js';
import type { SchedulerFeed } from './scheduler-feed.js';
import type { WrittenAssignments } from './written-assignments.js';

export interface OrderParts {
  readonly farm: Farm;
  readonly feed: SchedulerFeed;
  readonly allocator: Allocator;
  readonly written: WrittenAssignments;
  /** Whether its licences go to others. */
  isWithoutLicences(nodeId: NodeId): boolean;
}

export class NodeOrders {
  private readonly parts: OrderParts;

  constructor(parts: OrderParts) {
    this.parts = parts;
  }

  /** The slots that it is to give, licences left aside. */
  wantedOf(nodeId: NodeId): WantedSlots[] {
    const node = this.parts.feed.node(nodeId);
    const isTaken = (jobId: JobId) =>
      this.parts.isWithoutLicences(nodeId) && this.parts.farm.jobs.licencesOf(jobId).length > 0;
    // One that nobody hears of keeps what it was told, but for what others need to have.
    if (!node || this.parts.feed.isGone(nodeId))
      return (this.parts.written.get(nodeId)?.assignment.jobs ?? []).filter(
        ({ jobId }) => this.isRunning(jobId) && !isTaken(jobId),
      );
    const slotsOf = this.parts.allocator.assignmentOf(nodeId);
    const jobs: [FarmJob, number][] = [];
    for (const [jobId, slots] of slotsOf) {
      const job = this.parts.feed.job(jobId);
      if (job && !isTaken(jobId)) jobs.push([job, slots]);
    }
    return jobs.map(([job, slots]) => {
      const slotsMax = burstMax(node, job, slots, jobs, this.parts.feed.studioMaxSlots(job.studio));
      const { jobId, planId } = job;
      return { jobId, planId, slots, ...(slotsMax !== undefined && { slotsMax }) };
    });
  }

  /** Of which jobs the node's tiles are aborted, rather than finished, when it no longer works for them. */
  overOn(nodeId: NodeId, wanted: readonly WantedSlots[]): (jobId: JobId) => boolean {
    const node = this.parts.feed.node(nodeId);
    const before = this.parts.written.get(nodeId)?.assignment.jobs ?? [];
    const slotsBefore = new Map(before.map(({ jobId, slots }) => [jobId, slots]));
    const gained = wanted.flatMap(({ jobId, slots }) => {
      const job = slots > (slotsBefore.get(jobId) ?? 0) ? this.parts.feed.job(jobId) : undefined;
      return job ? [job] : [];
    });
    return (jobId) => {
      if (!this.isRunning(jobId)) return true;
      if (node?.state === 'quarantined' || node?.blockedJobs.has(jobId)) return true;
      if (this.parts.isWithoutLicences(nodeId) && this.parts.farm.jobs.licencesOf(jobId).length > 0)
        return true;
      return isOusted(this.parts.feed.job(jobId), gained);
    };
  }

  private isRunning(jobId: JobId): boolean {
    const job = this.parts.farm.jobs.liveJob(jobId);
    return job !== undefined && !job.isEnding;
  }
}
