/** What a node works on, and of every other job why it does not. A pure function; the cost is that of the jobs. */
import { allThatLacks } from './eligible.js';
import { type Allocated, allOut } from './explain.js';
import type { FarmJob, FarmNode } from './farm-model.js';
import { gateInWords } from './gate-in-words.js';
import { bytesApart, counted } from './in-words.js';
import { type LimitsAsked, limitsReached, slotsWanted } from './limits-reached.js';
import type { NodeSlots, Wait } from './scheduler-view.js';
import { NODE_UNUSED, type Usage, usageOf } from './usage.js';
import { WAYS_OUT } from './ways-out.js';

/** @returns every job of the snapshot, in its order; no waits: it works for it, or would with its next free slot. */
export function whyNode(
  farm: Allocated,
  node: FarmNode,
): readonly (NodeSlots & { readonly waits: readonly Wait[] })[] {
  const usage = farm.usage ?? usageOf(farm.snapshot, farm.policy, farm.allocation);
  const { snapshot, policy, licencesInUse } = farm;
  const given = farm.allocation.get(node.nodeId);
  return snapshot.jobs.map((job) => {
    const slots = given?.get(job.jobId) ?? 0;
    const asked = { snapshot, policy, usage, licencesInUse };
    return { jobId: job.jobId, slots, waits: slots > 0 ? [] : waitsOf(asked, node, job, given) };
  });
}

function waitsOf(
  asked: LimitsAsked,
  node: FarmNode,
  job: FarmJob,
  given: ReadonlyMap<FarmJob['jobId'], number> | undefined,
): readonly Wait[] {
  const { usage } = asked;
  if (job.gate) return [gateInWords(job, job.gate)];
  if (job.demand === 0) return [allOut(job, usage)];
  const lacks = allThatLacks(node, job);
  if (lacks.length > 0) return lacks;
  const has = usage.slotsByJob.get(job.jobId) ?? 0;
  if (has >= slotsWanted(job))
    return [
      {
        kind: 'all_out',
        have: has,
        need: 0,
        subject: job.jobId,
        message: `it has ${has === 1 ? 'the 1 slot' : `the ${has} slots`} that it can use, on other nodes`,
      },
    ];
  const used = usage.nodes.get(node.nodeId) ?? NODE_UNUSED;
  const isFull = used.slots >= node.slots;
  const limits = limitsReached(asked, job, isFull ? [] : [node]);
  if (limits.length > 0) return limits;
  if (isFull) return [othersHaveIt(node, job, given, usage)];
  const leftBytes = node.memoryBytes - used.memoryBytes;
  return leftBytes < job.slotMemoryBytes ? [memoryOut(node, job, leftBytes)] : [];
}

const SHOWN_MAX = 3;

function othersHaveIt(
  { nodeId, slots }: FarmNode,
  job: FarmJob,
  given: ReadonlyMap<FarmJob['jobId'], number> | undefined,
  usage: Usage,
): Wait {
  const sorted = [...(given ?? [])].sort(([, one], [, other]) => other - one);
  const shown = sorted.slice(0, SHOWN_MAX).map(([jobId, count]) => {
    const other = usage.jobs.get(jobId);
    return `${jobId} ${count}${other && other.studio !== job.studio ? ` (studio ${other.studio})` : ''}`;
  });
  const rest = sorted.length - SHOWN_MAX;
  return {
    kind: 'share',
    have: slots,
    need: slots + 1,
    subject: nodeId,
    message: `${slots === 1 ? 'its 1 slot is' : `its ${slots} slots are`} given: ${shown.join(', ')}${rest > 0 ? ` and ${counted(rest, 'more job')}` : ''}; who comes first: ${WAYS_OUT.whyJob(job.jobId)}`,
  };
}

function memoryOut({ nodeId }: FarmNode, job: FarmJob, leftBytes: number): Wait {
  const [need, have] = bytesApart(job.slotMemoryBytes, leftBytes);
  return {
    kind: 'memory',
    subject: nodeId,
    have: leftBytes,
    need: job.slotMemoryBytes,
    message: `a slot of the job needs ${need} of memory, and ${have} of the node's are left beside what it renders`,
  };
}
