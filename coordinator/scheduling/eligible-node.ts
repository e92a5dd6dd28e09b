/** Which nodes may work for a job at all, whoever else does. Pure. */
import type { FarmJob, FarmNode } from './farm-model.js';

/** Whether the node, when it is there and free, has all that one slot of the job needs. */
export function canRender(node: FarmNode, job: FarmJob): boolean {
  return node.slots > 0 && job.slotMemoryBytes <= node.memoryBytes && isOfKind(node, job);
}

/** What matters for whole groups of nodes: `canRender` but for slots and memory, of which each node has its own. */
export function isOfKind(node: FarmNode, needs: KindNeeds): boolean {
  return (
    node.cores >= needs.cores &&
    node.gpus >= needs.gpus &&
    (needs.gpus === 0 || node.gpuMemoryBytes >= needs.gpuMemoryBytes) &&
    (needs.pool === undefined || node.pools.has(needs.pool)) &&
    (needs.renderer === undefined || node.renderers?.keys.has(needs.renderer) === true) &&
    needs.tags.every((tag) => node.tags.has(tag))
  );
}

export type KindNeeds = Pick<FarmJob, 'pool' | 'tags' | 'renderer' | 'cores' | 'gpus' | 'gpuMemoryBytes'>;
