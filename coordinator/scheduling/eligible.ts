/**
 * What keeps a node from working for a job, whatever else runs: what the node lacks, and the state that it is in.
 * `lacksOf` makes no object, so that a job can be held against every node of a large farm; `whyNot` says it in words.
 */
import type { FarmJob, FarmNode } from './farm-model.js';
import { bytesApart, counted, list } from './in-words.js';
import type { Wait } from './scheduler-view.js';
import { WAYS_OUT } from './ways-out.js';

/** What cannot be changed by a command comes after what can: the order in which lacks are told. */
export const LACKS = [
  'pool',
  'tags',
  'renderer',
  'gpu',
  'memory',
  'cores',
  'no_node',
  'blocked',
  'node_state',
] as const;
export type Lack = (typeof LACKS)[number];

const BITS = Object.fromEntries(LACKS.map((lack, index) => [lack, 1 << index])) as Readonly<
  Record<Lack, number>
>;

/** @returns one bit for each of `LACKS`; 0: new tiles of the job may go there. */
export function lacksOf(node: FarmNode, job: FarmJob): number {
  let lacks = 0;
  if (node.state !== 'ready') lacks |= BITS.node_state;
  if (node.slots === 0) lacks |= BITS.no_node;
  if (job.pool !== undefined && !node.pools.has(job.pool)) lacks |= BITS.pool;
  for (const tag of job.tags) if (!node.tags.has(tag)) lacks |= BITS.tags;
  if (job.renderer !== undefined && !node.renderers?.keys.has(job.renderer)) lacks |= BITS.renderer;
  if (node.gpus < job.gpus || (job.gpus > 0 && node.gpuMemoryBytes < job.gpuMemoryBytes)) lacks |= BITS.gpu;
  if (node.memoryBytes < job.slotMemoryBytes) lacks |= BITS.memory;
  if (node.cores < job.cores) lacks |= BITS.cores;
  if (node.blockedJobs.has(job.jobId)) lacks |= BITS.blocked;
  return lacks;
}

/** In the order of `LACKS`. */
export function lacksIn(bits: number): readonly Lack[] {
  return LACKS.filter((lack) => (bits & BITS[lack]) !== 0);
}

/** How many there are. */
export function lackCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** @returns what keeps the node from taking new tiles of the job, the first of it; nothing: it may take them. */
export function whyNot(node: FarmNode, job: FarmJob): Wait | undefined {
  const [lack] = lacksIn(lacksOf(node, job));
  return lack === undefined ? undefined : nodeLacks(node, job, lack);
}

/** Everything that keeps it, one wait each. */
export function allThatLacks(node: FarmNode, job: FarmJob): readonly Wait[] {
  return lacksIn(lacksOf(node, job)).map((lack) => nodeLacks(node, job, lack));
}

function nodeLacks(node: FarmNode, job: FarmJob, lack: Lack): Wait {
  const { nodeId } = node;
  switch (lack) {
    case 'pool': {
      const pool = job.pool!;
      const pools = [...node.pools].sort();
      return {
        kind: 'pool',
        subject: pool,
        message: `the job asks for pool ${pool}, and node ${nodeId} is in ${pools.length === 0 ? 'none' : list(pools)}: ${WAYS_OUT.addPool(nodeId, pool)}`,
      };
    }
    case 'tags': {
      const missing = missingTags(node, job);
      return {
        kind: 'tags',
        subject: missing[0]!,
        message: `node ${nodeId} lacks ${missing.length === 1 ? 'tag' : 'tags'} ${list(missing)}: ${WAYS_OUT.addTags(nodeId, missing)}`,
      };
    }
    case 'renderer':
      return {
        kind: 'renderer',
        subject: job.renderer!,
        message: `node ${nodeId} lacks ${job.renderer}: ${node.renderers === undefined ? 'it has not said what it has' : `it has ${list([...node.renderers.keys]) || 'no renderer'}`}`,
      };
    case 'gpu':
      return gpuLack(node, job);
    case 'memory': {
      const [need, have] = bytesApart(job.slotMemoryBytes, node.memoryBytes);
      return {
        kind: 'memory',
        subject: nodeId,
        have: node.memoryBytes,
        need: job.slotMemoryBytes,
        message: `a slot of the job needs ${need} of memory, and node ${nodeId} has ${have} for tiles`,
      };
    }
    case 'cores':
      return {
        kind: 'cores',
        subject: nodeId,
        have: node.cores,
        need: job.cores,
        message: `the job needs a node with ${counted(job.cores, 'core')}, and node ${nodeId} has ${node.cores}`,
      };
    case 'no_node':
      return {
        kind: 'no_node',
        subject: nodeId,
        have: 0,
        need: 1,
        message: `node ${nodeId} has no slots: give its agent some: ${WAYS_OUT.addSlots} N`,
      };
    case 'blocked':
      return {
        kind: 'blocked',
        subject: nodeId,
        message: `node ${nodeId} has failed too many tiles of the job; it is forgiven with time, or once it is mended: ${WAYS_OUT.forgiveNode(nodeId)}`,
      };
    case 'node_state':
      return {
        kind: 'node_state',
        subject: nodeId,
        message: `node ${nodeId} is ${node.state}: ${outOfState(node)}`,
      };
    default:
      throw lack satisfies never;
  }
}

export function missingTags(node: FarmNode, job: FarmJob): readonly string[] {
  return job.tags.filter((tag) => !node.tags.has(tag));
}

function gpuLack(node: FarmNode, job: FarmJob): Wait {
  const { nodeId } = node;
  if (node.gpus < job.gpus)
    return {
      kind: 'gpu',
      subject: nodeId,
      have: node.gpus,
      need: job.gpus,
      message: `the job needs ${counted(job.gpus, 'GPU')}, and node ${nodeId} has ${node.gpus === 0 ? 'none' : node.gpus}`,
    };
  const [need, have] = bytesApart(job.gpuMemoryBytes, node.gpuMemoryBytes);
  return {
    kind: 'gpu',
    subject: nodeId,
    have: node.gpuMemoryBytes,
    need: job.gpuMemoryBytes,
    message: `the job needs GPUs with ${need} of memory, and the smallest of node ${nodeId} has ${have}`,
  };
}

/** What takes a node back to work. */
export function outOfState({ nodeId, state }: FarmNode): string {
  switch (state) {
    case 'ready':
      return 'it takes tiles';
    case 'draining':
    case 'drained':
      return WAYS_OUT.resumeNode(nodeId);
    case 'quarantined':
      return `it failed tiles of several studios; once it is mended: ${WAYS_OUT.forgiveNode(nodeId)}`;
    case 'lost':
      return 'nothing is heard of it; start its agent again, or look at its network';
    case 'asleep':
      return 'it is not there now, and takes tiles once it wakes';
    default:
      throw state satisfies never;
  }
}
