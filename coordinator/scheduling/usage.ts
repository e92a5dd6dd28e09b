/** What an allocation uses of everything that is limited: slots by job and studio, memory by node, licence tokens. */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import type { Allocation, FarmJob, FarmSnapshot, SchedulingPolicy } from './farm-model.js';

export interface NodeUsage {
  readonly slots: number;
  readonly memoryBytes: number;
}
export const NODE_UNUSED: NodeUsage = { slots: 0, memoryBytes: 0 };

export interface Usage {
  readonly jobs: ReadonlyMap<JobId, FarmJob>;
  /** Jobs without slots are not there. */
  readonly slotsByJob: ReadonlyMap<JobId, number>;
  readonly slotsByStudio: ReadonlyMap<Studio, number>;
  /** Nodes without work are not there. */
  readonly nodes: ReadonlyMap<NodeId, NodeUsage>;
  /** Tokens of each licence; one without any is not there. */
  readonly tokens: ReadonlyMap<string, number>;
  /** Nodes that hold a token, of licences that count per node. */
  readonly tokenNodes: ReadonlyMap<string, ReadonlySet<NodeId>>;
}

/** One pass over the allocation; whoever explains several jobs or nodes does it once. */
export function usageOf(snapshot: FarmSnapshot, policy: SchedulingPolicy, allocation: Allocation): Usage {
  const jobs = new Map(snapshot.jobs.map((job) => [job.jobId, job]));
  const slotsByJob = new Map<JobId, number>();
  const slotsByStudio = new Map<Studio, number>();
  const nodes = new Map<NodeId, NodeUsage>();
  const tokens = new Map<string, number>();
  const tokenNodes = new Map<string, Set<NodeId>>();
  for (const [nodeId, given] of allocation) {
    let slotsUsed = 0;
    let memoryBytes = 0;
    for (const [jobId, slots] of given) {
      const job = jobs.get(jobId);
      if (!job || slots === 0) continue;
      slotsUsed += slots;
      memoryBytes += slots * job.slotMemoryBytes;
      add(slotsByJob, jobId, slots);
      add(slotsByStudio, job.studio, slots);
      for (const licence of job.licences)
        if (policy.licences.get(licence)?.per === 'node') hold(tokenNodes, licence, nodeId);
        else add(tokens, licence, slots);
    }
    if (slotsUsed > 0) nodes.set(nodeId, { slots: slotsUsed, memoryBytes });
  }
  for (const [licence, holders] of tokenNodes) tokens.set(licence, holders.size);
  return { jobs, slotsByJob, slotsByStudio, nodes, tokens, tokenNodes };
}

function add<K>(sums: Map<K, number>, key: K, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count);
}

function hold(holders: Map<string, Set<NodeId>>, licence: string, nodeId: NodeId): void {
  const nodes = holders.get(licence);
  if (nodes) nodes.add(nodeId);
  else holders.set(licence, new Set([nodeId]));
}
