/** What the bucket of assignments holds, by node and by job. Data only. */
import type { Assignment } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';

export interface WrittenAssignment {
  readonly assignment: Assignment;
  /** Equal where agents are told the same. */
  readonly text: string;
  readonly revision: number | undefined;
}

export class WrittenAssignments {
  private readonly byNode = new Map<NodeId, WrittenAssignment>();
  private readonly workers = new Map<JobId, Set<NodeId>>();
  private readonly finishers = new Map<JobId, Set<NodeId>>();

  get(nodeId: NodeId): WrittenAssignment | undefined {
    return this.byNode.get(nodeId);
  }

  nodes(): IterableIterator<NodeId> {
    return this.byNode.keys();
  }

  set(nodeId: NodeId, assignment: Assignment, revision: number | undefined): void {
    const before = this.byNode.get(nodeId)?.assignment;
    for (const { jobId } of before?.jobs ?? []) remove(this.workers, jobId, nodeId);
    for (const { jobId } of before?.finishing ?? []) remove(this.finishers, jobId, nodeId);
    for (const { jobId } of assignment.jobs) add(this.workers, jobId, nodeId);
    for (const { jobId } of assignment.finishing ?? []) add(this.finishers, jobId, nodeId);
    this.byNode.set(nodeId, { assignment, text: textOf(assignment), revision });
  }

  /** Nodes that take tiles of a job. */
  workersOf(jobId: JobId): ReadonlySet<NodeId> {
    return this.workers.get(jobId) ?? NO_NODES;
  }

  /** Nodes that were told of a job, those included that only finish what they have of it. */
  *nodesOf(jobId: JobId): Generator<NodeId> {
    yield* this.workersOf(jobId);
    yield* this.finishers.get(jobId) ?? NO_NODES;
  }

  /** Jobs of which a node may have tiles. */
  *jobsOf(nodeId: NodeId): Generator<JobId> {
    const { jobs = [], finishing = [] } = this.byNode.get(nodeId)?.assignment ?? {};
    for (const { jobId } of jobs) yield jobId;
    for (const { jobId } of finishing) yield jobId;
  }
}

/** What agents go by. */
export function textOf({ jobs, finishing }: Assignment): string {
  return JSON.stringify([jobs, finishing]);
}

const NO_NODES: ReadonlySet<NodeId> = new Set();

function add(sets: Map<JobId, Set<NodeId>>, jobId: JobId, nodeId: NodeId): void {
  sets.set(jobId, (sets.get(jobId) ?? new Set()).add(nodeId));
}

function remove(sets: Map<JobId, Set<NodeId>>, jobId: JobId, nodeId: NodeId): void {
  const nodes = sets.get(jobId);
  nodes?.delete(nodeId);
  if (nodes?.size === 0) sets.delete(jobId);
}
