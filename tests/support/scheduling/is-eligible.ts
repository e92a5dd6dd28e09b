import { canRender } from '#coordinator/scheduling/eligible-node.js';
import type { FarmJob, FarmNode } from '#coordinator/scheduling/farm-model.js';

/** Whether the node gets slots of the job as things stand, as the allocator goes by it. */
export function isEligible(node: FarmNode, job: FarmJob): boolean {
  return node.state === 'ready' && canRender(node, job) && !node.blockedJobs.has(job.jobId);
}
