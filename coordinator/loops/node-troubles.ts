/**
 * What nodes say that keeps them from working (a full disk, a package that does not come), job by job: told when it
 * begins and when it ends, not with each heartbeat. In memory only: after a restart, what goes on is told once more.
 */
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';

export class NodeTroubles {
  private readonly farm: Farm;
  private readonly workersOf: (jobId: JobId) => readonly NodeId[];
  /** Of each node that has any: by job, what keeps it from working for it. */
  private readonly troubles = new Map<NodeId, ReadonlyMap<JobId, Trouble>>();

  /** @param workersOf nodes that could work for a job. */
  constructor(farm: Farm, workersOf: (jobId: JobId) => readonly NodeId[]) {
    this.farm = farm;
    this.workersOf = workersOf;
  }

  heard(heartbeat: Heartbeat): void {
    const { nodeId } = heartbeat;
    const before = this.troubles.get(nodeId) ?? NO_TROUBLES;
    const now = heartbeat.troubles?.length ? byJob(heartbeat) : NO_TROUBLES;
    if (before.size + now.size === 0) return;
    if (now.size === 0) this.troubles.delete(nodeId);
    else this.troubles.set(nodeId, now);
    for (const [jobId, trouble] of now)
      if (before.get(jobId)?.code !== trouble.code) this.tellBegun(nodeId, jobId, trouble);
    for (const jobId of before.keys())
      if (!now.has(jobId)) this.tell('resumed', jobId, nodeId, `node ${nodeId} can work for it again`);
  }

  /** It was lost or has left, which is told elsewhere. */
  gone(nodeId: NodeId): void {
    this.troubles.delete(nodeId);
  }

  /** Those of some nodes that nothing keeps from working for a job. */
  without(jobId: JobId, nodeIds: readonly NodeId[]): readonly NodeId[] {
    return this.troubles.size === 0 ? nodeIds : nodeIds.filter((nodeId) => !this.isIn(nodeId, jobId));
  }

  private isIn(nodeId: NodeId, jobId: JobId): boolean {
    return this.troubles.get(nodeId)?.has(jobId) ?? false;
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

const NO_TROUBLES: ReadonlyMap<JobId, Trouble> = new Map();

/** Trouble without a job is trouble with every job that the node works for. */
function byJob({ troubles = [], jobIds }: Heartbeat): ReadonlyMap<JobId, Trouble> {
  const found = new Map<JobId, Trouble>();
  for (const { jobId, code, message } of troubles)
    for (const id of jobId === undefined ? jobIds : [jobId])
      if (!found.has(id)) found.set(id, { code, message });
  return found;
}
