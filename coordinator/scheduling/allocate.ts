/** Which slots of which nodes work for which job: every active job gets an equal part of every node. A pure function. */
import type { Assignment } from '#shared/bus/messages.js';
import type { JobId, NodeId, PlanId } from '#shared/domain/ids.js';

export interface FarmSnapshot {
  readonly nodes: readonly { readonly nodeId: NodeId; readonly slots: number }[];
  /** Jobs that have not ended, oldest first. */
  readonly jobs: readonly { readonly jobId: JobId; readonly planId: PlanId }[];
}

/**
 * @returns one assignment per node. A node with fewer slots than there are jobs still takes tiles of each of them (one
 *   slot each, in turn); what a job cannot use, the node's other jobs take.
 */
export function allocate(farm: FarmSnapshot): ReadonlyMap<NodeId, Assignment> {
  const assignments = new Map<NodeId, Assignment>();
  for (const node of farm.nodes) {
    const share = Math.floor(node.slots / Math.max(1, farm.jobs.length));
    const rest = node.slots - share * farm.jobs.length;
    const jobs = farm.jobs.map(({ jobId, planId }, index) => ({
      jobId,
      planId,
      // The oldest jobs get what does not divide.
      slots: Math.max(1, share + (index < rest ? 1 : 0)),
    }));
    assignments.set(node.nodeId, { jobs: node.slots === 0 ? [] : jobs });
  }
  return assignments;
}
