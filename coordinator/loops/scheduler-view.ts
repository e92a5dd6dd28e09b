/**
 * Answers those who look at the farm (scheduling/scheduler-view.ts) from what the allocator knows. One picture serves all
 * questions until something changes; nothing is worked out before somebody asks.
 */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import type { Admin } from '../admin/admin.js';
import type { Farm } from '../farm.js';
import type { Allocator } from '../scheduling/allocator.js';
import { type Allocated, whyJob } from '../scheduling/explain.js';
import { whyNode } from '../scheduling/explain-node.js';
import type { FarmJob } from '../scheduling/farm-model.js';
import { slotsWanted } from '../scheduling/limits-reached.js';
import { poolLoads } from '../scheduling/pool-loads.js';
import { type ScaleState, scaleAdvice } from '../scheduling/scale-advice.js';
import type { SchedulerView } from '../scheduling/scheduler-view.js';
import { type Usage, usageOf } from '../scheduling/usage.js';
import type { JobGates } from './job-gates.js';
import type { NodesKnown } from './nodes-known.js';
import type { SchedulerFeed } from './scheduler-feed.js';
import type { WrittenAssignments } from './written-assignments.js';

export interface ViewParts {
  readonly farm: Farm;
  readonly admin: Admin;
  readonly allocator: Allocator;
  readonly feed: SchedulerFeed;
  readonly gates: JobGates;
  readonly written: WrittenAssignments;
  licencesInUse(): ReadonlyMap<string, number>;
  readonly nodesKnown: NodesKnown;
}

/** A picture is as old as that at most: it takes a pass over the farm, and many questions come together. */
const PICTURE_MS = 20;

export function schedulerView(parts: ViewParts): SchedulerView {
  const { farm, admin, allocator, feed, written } = parts;
  let picture: (Allocated & { readonly usage: Usage }) | undefined;
  let takenAtMs = Number.NEGATIVE_INFINITY;
  let scaleState: ScaleState = new Map();

  const look = (): Allocated & { readonly usage: Usage } => {
    const nowMs = performance.now();
    if (picture && nowMs - takenAtMs < PICTURE_MS) return picture;
    const snapshot = feed.snapshot();
    const policy = admin.policy();
    const allocation = allocator.allocation();
    const usage = usageOf(snapshot, policy, allocation);
    takenAtMs = nowMs;
    picture = { snapshot, policy, allocation, usage, licencesInUse: parts.licencesInUse() };
    return picture;
  };

  /** What is known of it now: it may have been submitted in this moment. */
  const jobNow = (jobId: JobId): FarmJob | undefined => {
    const known = feed.job(jobId);
    if (known) {
      // Whoever resumes a job is not told that it is paused, since the allocator has not heard of it yet.
      const gate = parts.gates.gateOf(jobId) ?? (known.gate?.kind === 'renderer' ? known.gate : undefined);
      return gate === known.gate ? known : { ...known, gate };
    }
    const job = farm.jobs.liveJob(jobId);
    return job && !job.isEnding ? feed.describe(job) : undefined;
  };

  return {
    slotsOf: (jobId) => allocator.slotsOf(jobId),
    whyJob(jobId) {
      const job = jobNow(jobId);
      if (!job) return { slots: 0, slotsWanted: 0, waits: [] };
      const slots = allocator.slotsOf(jobId);
      return { slots, slotsWanted: job.gate ? 0 : slotsWanted(job), waits: whyJob(look(), job) };
    },
    whyNode(nodeId: NodeId) {
      const node = feed.node(nodeId);
      return node ? whyNode(look(), node) : [];
    },
    assignedTo: (nodeId) =>
      (written.get(nodeId)?.assignment.jobs ?? []).map(({ jobId, slots }) => ({ jobId, slots })),
    studios() {
      const sums = new Map<Studio, { slots: number; slotsWanted: number; jobs: number }>();
      for (const job of look().snapshot.jobs) {
        const sum = sums.get(job.studio) ?? { slots: 0, slotsWanted: 0, jobs: 0 };
        sum.jobs++;
        sum.slots += allocator.slotsOf(job.jobId);
        sum.slotsWanted += job.gate ? 0 : slotsWanted(job);
        sums.set(job.studio, sum);
      }
      return [...sums].map(([studio, sum]) => ({ studio, ...sum }));
    },
    licencesInUse: () => parts.licencesInUse(),
    nodesKnown: () => parts.nodesKnown.known(),
    scaleAdvice() {
      if (!parts.nodesKnown.areKnown) return undefined;
      const { snapshot, policy } = look();
      const loads = poolLoads(snapshot, policy, admin.settings.pools, (jobId) => backlogOf(farm, jobId));
      const advice = scaleAdvice(loads, scaleState, performance.now());
      scaleState = advice.state;
      return advice.pools;
    },
  };
}

/** Core-seconds that are left, by what its tiles took so far; 0: nothing is known yet. */
function backlogOf(farm: Farm, jobId: JobId): number {
  const job = farm.jobs.liveJob(jobId);
  if (!job) return 0;
  const { coreSeconds, tilesDone } = job.progress();
  return tilesDone === 0 ? 0 : (coreSeconds / tilesDone) * job.tilesOpen;
}
