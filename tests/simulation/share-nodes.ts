/**
 * Every running job has a part of every node of a simulated farm: what is simulated is what becomes of tiles when nodes
 * fail, wherever they work. Who gets which slots is tested with the allocator (coordinator/scheduling). A pure function.
 */
import type { Assignment } from '#shared/bus/messages.js';
import type { JobId, NodeId, PlanId } from '#shared/domain/ids.js';

export interface SharedNode {
  readonly nodeId: NodeId;
  readonly slots: number;
  /** A lost one may merely be slow, and is treated as if it were there. */
  readonly state: 'ready' | 'draining' | 'quarantined' | 'lost';
  /** Jobs of which it gets no tiles. */
  readonly blockedJobs: ReadonlySet<JobId>;
  /** Jobs of the assignment that it has. */
  readonly assignedJobs: ReadonlySet<JobId>;
}

export interface SharingJob {
  readonly jobId: JobId;
  readonly planId: PlanId;
}

export interface SharedFarm {
  readonly nodes: readonly SharedNode[];
  /** Jobs that have not ended, oldest first. */
  readonly jobs: readonly SharingJob[];
}

/**
 * @returns one assignment per node. A node with fewer slots than there are jobs still takes tiles of each of them (one
 *   slot each, in turn); what a job cannot use, the node's other jobs take. A draining node keeps what it has, without
 *   anything new: it finishes it and takes nothing more by itself. A quarantined one has none.
 */
export function shareNodes(farm: SharedFarm): ReadonlyMap<NodeId, Assignment> {
  const assignments = new Map<NodeId, Assignment>();
  for (const node of farm.nodes) {
    const jobs = jobsFor(node, farm.jobs);
    const share = Math.floor(node.slots / Math.max(1, jobs.length));
    const rest = node.slots - share * jobs.length;
    assignments.set(node.nodeId, {
      jobs: jobs.map(({ jobId, planId }, index) => ({
        jobId,
        planId,
        // The oldest jobs get what does not divide.
        slots: Math.max(1, share + (index < rest ? 1 : 0)),
      })),
    });
  }
  return assignments;
}

function jobsFor(node: SharedNode, jobs: readonly SharingJob[]): readonly SharingJob[] {
  if (node.slots === 0) return [];
  const { state, blockedJobs, assignedJobs } = node;
  switch (state) {
    case 'quarantined':
      return [];
    case 'draining':
      return jobs.filter(({ jobId }) => assignedJobs.has(jobId));
    case 'ready':
    case 'lost':
      return blockedJobs.size === 0 ? jobs : jobs.filter(({ jobId }) => !blockedJobs.has(jobId));
    default:
      throw state satisfies never;
  }
}
