/** Which nodes may be given tiles of a job, as of one look at the nodes: ready, with what the job needs, not blocked for it. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { canRender } from '../scheduling/eligible-node.js';
import type { FarmJob, FarmNode } from '../scheduling/farm-model.js';

/**
 * Few nodes are blocked for few jobs, and all other jobs that need the same share one list: one per job took seconds on a
 * large farm.
 */
export class Workers {
  private readonly ready: readonly FarmNode[];
  private readonly byNeeds = new Map<string, readonly NodeId[]>();
  private readonly blocked = new Map<JobId, Set<NodeId>>();
  private readonly unblocked = new Map<JobId, readonly NodeId[]>();

  constructor(nodes: Iterable<FarmNode>) {
    this.ready = [...nodes].filter(({ state, slots }) => state === 'ready' && slots > 0);
    for (const { nodeId, blockedJobs } of this.ready)
      for (const jobId of blockedJobs)
        this.blocked.set(jobId, (this.blocked.get(jobId) ?? new Set()).add(nodeId));
  }

  /** By id. @param job whose renderer is not decided yet, or nothing: nobody may. */
  of(job: FarmJob | undefined): readonly NodeId[] {
    if (job?.renderer === undefined) return [];
    const exceptions = this.blocked.get(job.jobId);
    if (!exceptions) return this.withNeedsOf(job);
    let known = this.unblocked.get(job.jobId);
    if (!known) {
      known = this.withNeedsOf(job).filter((nodeId) => !exceptions.has(nodeId));
      this.unblocked.set(job.jobId, known);
    }
    return known;
  }

  private withNeedsOf(job: FarmJob): readonly NodeId[] {
    const key = needsKey(job);
    let known = this.byNeeds.get(key);
    if (!known) {
      const able = this.ready.filter((node) => canRender(node, job));
      known = able.map(({ nodeId }) => nodeId).sort();
      this.byNeeds.set(key, known);
    }
    return known;
  }
}

/**
 * Asks whether a node lacks what a job needs, whatever state it is in; nothing: every node has what every job needs.
 * @param jobs those that run.
 */
export function findLacks(
  nodes: ReadonlyMap<NodeId, FarmNode>,
  jobs: ReadonlyMap<JobId, FarmJob>,
): ((nodeId: NodeId, jobId: JobId) => boolean) | undefined {
  const texts = new Set<string | undefined>();
  let memoryBytesMin = Number.POSITIVE_INFINITY;
  for (const { renderers, memoryBytes } of nodes.values()) {
    texts.add(renderers?.text);
    memoryBytesMin = Math.min(memoryBytesMin, memoryBytes);
  }
  const isChoosy = ({ pool, tags, cores, gpus, slotMemoryBytes }: FarmJob) =>
    pool !== undefined || tags.length > 0 || cores + gpus > 0 || slotMemoryBytes > memoryBytesMin;
  if (texts.size <= 1 && ![...jobs.values()].some(isChoosy)) return undefined;
  return (nodeId, jobId) => {
    const node = nodes.get(nodeId);
    const job = jobs.get(jobId);
    return !node || job?.renderer === undefined || !canRender(node, job);
  };
}

function needsKey({ renderer, pool, tags, cores, gpus, gpuMemoryBytes, slotMemoryBytes }: FarmJob): string {
  return JSON.stringify([renderer, pool, tags, cores, gpus, gpuMemoryBytes, slotMemoryBytes]);
}
