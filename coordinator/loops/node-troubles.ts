/**
 * What nodes say that keeps them from working (a full disk, a package that does not come), job by job: told when it
 * begins and when it ends, not with each heartbeat. In memory only: after a restart, what goes on is told once more.
 * Whoever judges nodes looks again then: one that is blocked may be the only one left that can work.
 */
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';

export class NodeTroubles {
  private readonly farm: Farm;
  private readonly workersOf: (jobId: JobId) => readonly NodeId[];
  private readonly changed: () => void;
  /** Of each node that has any: by job, what keeps it from working for it. */
  private readonly troubles = new Map<NodeId, ReadonlyMap<JobId, Trouble>>();
  /** Nodes that can work for no job at all, those included that they have not been told of. */
  private readonly unfit = new Set<NodeId>();

  /**
   * @param workersOf nodes that could work for a job.
   * @param changed other nodes can work for a job than before.
   */
  constructor(farm: Farm, workersOf: (jobId: JobId) => readonly NodeId[], changed: () => void) {
    this.farm = farm;
    this.workersOf = workersOf;
    this.changed = changed;
  }

  /** Whether any node is in any. */
  get areAny(): boolean {
    return this.troubles.size + this.unfit.size > 0;
  }

  heard(heartbeat: Heartbeat): void {
    const { nodeId } = heartbeat;
    const before = this.troubles.get(nodeId) ?? NO_TROUBLES;
    const now = heartbeat.troubles?.length ? byJob(heartbeat) : NO_TROUBLES;
    const wasUnfit = this.unfit.delete(nodeId);
    const isUnfit = heartbeat.troubles?.some(({ jobId }) => jobId === undefined) ?? false;
    if (isUnfit) this.unfit.add(nodeId);
    if (before.size + now.size === 0 && isUnfit === wasUnfit) return;
    if (now.size === 0) this.troubles.delete(nodeId);
    else this.troubles.set(nodeId, now);
    if (
      isUnfit !== wasUnfit ||
      before.size !== now.size ||
      [...now.keys()].some((jobId) => !before.has(jobId))
    )
      this.changed();
    for (const [jobId, trouble] of now)
      if (before.get(jobId)?.code !== trouble.code) this.tellBegun(nodeId, jobId, trouble);
    for (const jobId of before.keys())
      if (!now.has(jobId)) this.tell('resumed', jobId, nodeId, `node ${nodeId} can work for it again`);
  }

  /** It was lost or has left, which is told elsewhere. */
  gone(nodeId: NodeId): void {
    this.troubles.delete(nodeId);
    this.unfit.delete(nodeId);
  }

  /** Those of some nodes that nothing keeps from working for a job. */
  without(jobId: JobId, nodeIds: readonly NodeId[]): readonly NodeId[] {
    return this.areAny ? nodeIds.filter((nodeId) => !this.isIn(nodeId, jobId)) : nodeIds;
  }

  /** Whether something keeps a node from working for a job. */
  isIn(nodeId: NodeId, jobId: JobId): boolean {
    return this.unfit.has(nodeId) || (this.troubles.get(nodeId)?.has(jobId) ?? false);
  }

  /** Nodes that are kept from working for a job. */
  nodesOf(jobId: JobId): readonly NodeId[] {
    if (!this.areAny) return NO_NODES;
    const nodes = [...this.troubles].filter(([, ofNode]) => ofNode.has(jobId)).map(([nodeId]) => nodeId);
    return [...new Set([...this.unfit, ...nodes])];
  }

  private tellBegun(nodeId: NodeId, jobId: JobId, { code, message }: Trouble): void {
    const waits = !this.workersOf(jobId).some((other) => !this.isIn(other, jobId));
    const outcome = waits ? '; no other node can, so the job waits' : '';
    this.farm.log.warn({ nodeId, jobId, code, reason: message, waits }, 'node in trouble');
    this.tell('paused', jobId, nodeId, `node ${nodeId} cannot work for it: ${message}${outcome}`);
  }

  private tell(kind: 'paused' | 'resumed', jobId: JobId, nodeId: NodeId, message: string): void {
    const job = this.farm.jobs.liveJob(jobId);
    if (!job || job.isEnding) return;
    void this.farm.events.publish({ jobId, kind, state: job.state, nodeId, message });
  }
}

interface Trouble {
  readonly code: string;
  readonly message: string;
}

const NO_NODES: readonly NodeId[] = [];
const NO_TROUBLES: ReadonlyMap<JobId, Trouble> = new Map();

/** Trouble without a job is trouble with every job that the node works for. */
function byJob({ troubles = [], jobIds }: Heartbeat): ReadonlyMap<JobId, Trouble> {
  const found = new Map<JobId, Trouble>();
  for (const { jobId, code, message } of troubles)
    for (const id of jobId === undefined ? jobIds : [jobId])
      if (!found.has(id)) found.set(id, { code, message });
  return found;
}
