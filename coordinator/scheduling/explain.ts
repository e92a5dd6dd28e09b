/**
 * Why a job does not run, or not with more slots: everything that holds its next slot back, strongest first, each with
 * the number that would change it. Where several things hold it back at once, the first gives way to those after it.
 * A pure function; one pass over the nodes.
 */
import { behindItsShare } from './behind-share.js';
import { behindItsStudio } from './behind-studio.js';
import { Contention } from './contention.js';
import { lacksOf } from './eligible.js';
import { FarmLacks } from './farm-lacks.js';
import type { Allocation, FarmJob, FarmNode, FarmSnapshot, SchedulingPolicy } from './farm-model.js';
import { gateInWords } from './gate-in-words.js';
import { type LimitsAsked, limitsReached, slotsWanted, unmet } from './limits-reached.js';
import type { Wait } from './scheduler-view.js';
import { type Usage, usageOf } from './usage.js';
import { WAYS_OUT } from './ways-out.js';

/** The farm with what was made of it. */
export interface Allocated {
  readonly snapshot: FarmSnapshot;
  /** As it is in force; licences with all their tokens, those included that are not free yet. */
  readonly policy: SchedulingPolicy;
  /** Of this very snapshot. */
  readonly allocation: Allocation;
  /** `usageOf` these; absent: it is worked out, which takes a pass over the allocation. */
  readonly usage?: Usage;
  /** As `SchedulerView.licencesInUse`; absent: the tokens of the allocation. */
  readonly licencesInUse?: ReadonlyMap<string, number>;
}

/** @returns empty: it has a slot for each tile that it has to give out. */
export function whyJob(farm: Allocated, job: FarmJob): readonly Wait[] {
  const usage = farm.usage ?? usageOf(farm.snapshot, farm.policy, farm.allocation);
  if (!job.gate && job.demand === 0) return [allOut(job, usage)];
  if (!job.gate && (usage.slotsByJob.get(job.jobId) ?? 0) >= slotsWanted(job)) return [];
  const lacks = new FarmLacks();
  const contention = new Contention(job, usage);
  for (const node of farm.snapshot.nodes) {
    const bits = lacksOf(node, job);
    if (bits !== 0) lacks.add(node, bits);
    else contention.add(node, farm.allocation.get(node.nodeId));
  }
  const nodes = nodeWaits(farm.snapshot, job, lacks, contention);
  // What it will lack once the gate opens is better known before.
  if (job.gate) return [gateInWords(job, job.gate), ...(contention.nodes === 0 ? nodes : [])];
  if (contention.nodes === 0) return nodes;
  const { snapshot, policy, licencesInUse } = farm;
  return [...slotWaits({ snapshot, policy, usage, licencesInUse }, job, contention), ...nodes];
}

function nodeWaits(
  { nodes }: FarmSnapshot,
  job: FarmJob,
  lacks: FarmLacks,
  contention: Contention,
): readonly Wait[] {
  if (nodes.length === 0)
    return [
      { kind: 'no_node', have: 0, need: 1, message: `the farm has no node: start one: ${WAYS_OUT.addNode}` },
    ];
  return lacks.waits(job, contention.nodes);
}

function slotWaits(asked: LimitsAsked, job: FarmJob, contention: Contention): readonly Wait[] {
  const { room } = contention;
  const limits = limitsReached(asked, job, room);
  if (room.length > 0) return limits.length > 0 ? limits : [freeSoon(room[0]!)];
  const waits = [contention.memoryOut(slotBytesMax(asked, job)), behindItsStudio(contention, asked, job)];
  return [...limits, ...waits.filter((wait) => wait !== undefined), behindItsShare(contention, asked, job)];
}

/** Of all that run or wait; 0: no other job waits, so that whatever is added is this one's. */
function slotBytesMax({ snapshot, usage }: LimitsAsked, job: FarmJob): number {
  let most = 0;
  let isAlone = true;
  for (const other of snapshot.jobs) {
    const isWaiting = unmet(other, usage) > 0;
    if (isWaiting && other.jobId !== job.jobId) isAlone = false;
    if (isWaiting || usage.slotsByJob.has(other.jobId)) most = Math.max(most, other.slotMemoryBytes);
  }
  return isAlone ? 0 : most;
}

/** Only between a change of the farm and the allocation that takes it in. */
function freeSoon({ nodeId }: FarmNode): Wait {
  return {
    kind: 'share',
    subject: nodeId,
    message: `node ${nodeId} has a free slot for it, which it gets with the next change of the farm`,
  };
}

/** It has no tile to give out: nothing of the farm holds it back. */
export function allOut(job: FarmJob, usage: Usage): Wait {
  const slots = usage.slotsByJob.get(job.jobId) ?? 0;
  return {
    kind: 'all_out',
    have: slots,
    need: 0,
    subject: job.jobId,
    message: 'every tile that it can give out is done or renders: it can use no more slots now',
  };
}
