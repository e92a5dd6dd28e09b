/**
 * What nodes lack for a job, over the whole farm: of those that come closest, what they lack, how many they are, and one
 * that is best changed. Said as the reason when no node can work for it, and as a way to more when some can.
 */
import { allThatLacks, type Lack, lackCount, lacksIn, missingTags, outOfState } from './eligible.js';
import type { FarmJob, FarmNode, NodeState } from './farm-model.js';
import { bytesApart, counted, list } from './in-words.js';
import type { Wait } from './scheduler-view.js';
import { WAYS_OUT } from './ways-out.js';

/** Nodes that lack the same. */
interface Group {
  readonly lacks: number;
  readonly nodes: FarmNode[];
  slots: number;
}

/** Of every node that cannot work for the job, by what it lacks. */
export class FarmLacks {
  private readonly groups = new Map<number, Group>();

  /** @param lacks `lacksOf(node, job)`, which is not 0. */
  add(node: FarmNode, lacks: number): void {
    const group = this.groups.get(lacks);
    if (group) {
      group.nodes.push(node);
      group.slots += node.slots;
    } else this.groups.set(lacks, { lacks, nodes: [node], slots: node.slots });
  }

  /**
   * Nodes that lack one thing only are each a way to work; where there are none, those with the fewest lacks, and all of
   * these have to be mended.
   * @param able how many nodes can work for it now.
   */
  waits(job: FarmJob, able: number): readonly Wait[] {
    let fewest = Number.POSITIVE_INFINITY;
    for (const lacks of this.groups.keys()) fewest = Math.min(fewest, lackCount(lacks));
    const closest = [...this.groups.values()].filter(({ lacks }) => lackCount(lacks) === fewest);
    if (fewest === 1)
      return closest
        .sort((one, other) => other.lacks - one.lacks)
        .map((group) => groupLacks(group, job, able));
    if (able > 0 || closest.length === 0) return [];
    const group = closest.reduce((best, one) => (one.slots > best.slots ? one : best));
    return allThatLacks(bestOf(group, job, lacksIn(group.lacks)), job);
  }
}

function groupLacks(group: Group, job: FarmJob, able: number): Wait {
  const lack = lacksIn(group.lacks)[0]!;
  const node = bestOf(group, job, [lack]);
  const { length } = group.nodes;
  const nodes = able > 0 ? `${length} more ${length === 1 ? 'node' : 'nodes'}` : counted(length, 'node');
  const head = able > 0 ? `${nodes} could work for it` : `no node can work for it: ${nodes} could`;
  return { ...allThatLacks(node, job)[0]!, message: `${head} ${butFor(lack, node, job, group)}` };
}

/** @param node of the group, the one that is best changed. */
function butFor(lack: Lack, node: FarmNode, job: FarmJob, { nodes }: Group): string {
  const { nodeId } = node;
  switch (lack) {
    case 'pool':
      return `but for pool ${job.pool}: ${WAYS_OUT.addPool(nodeId, job.pool!)}, or ${WAYS_OUT.anyPool(job.jobId)}`;
    case 'tags': {
      const missing = missingTags(node, job);
      return `but for ${missing.length === 1 ? 'tag' : 'tags'} ${list(missing)}: ${WAYS_OUT.addTags(nodeId, missing)}`;
    }
    case 'renderer': {
      const has = node.renderers ? list([...node.renderers.keys]) || 'no renderer' : 'not said what it has';
      return `but for ${job.renderer}: install it, e.g. on ${nodeId}, which has ${has}`;
    }
    case 'gpu':
      return `but for GPUs: ${gpusInWords(node, job)}`;
    case 'memory': {
      const [need, have] = bytesApart(job.slotMemoryBytes, node.memoryBytes);
      return `but for memory: a slot of it needs ${need}, and the largest has ${have} (${nodeId})`;
    }
    case 'cores':
      return `but for cores: it needs ${job.cores}, and the largest has ${node.cores} (${nodeId})`;
    case 'no_node':
      return `but for slots, of which they have none: ${WAYS_OUT.addSlots} N on ${nodeId}`;
    case 'blocked':
      return `but failed too many of its tiles (${list(nodes.map((one) => one.nodeId))}): they are forgiven with time, or once mended: ${WAYS_OUT.forgiveNode(nodeId)}`;
    case 'node_state':
      return `but for their state (${statesOf(nodes)}): ${nodeId} is ${node.state}: ${outOfState(node)}`;
    default:
      throw lack satisfies never;
  }
}

function gpusInWords(node: FarmNode, job: FarmJob): string {
  const { nodeId, gpus, gpuMemoryBytes } = node;
  if (gpus < job.gpus) return `it needs ${job.gpus}, and the node with most has ${gpus} (${nodeId})`;
  const [need, have] = bytesApart(job.gpuMemoryBytes, gpuMemoryBytes);
  return `it needs ${need} of memory on each, and the largest have ${have} (${nodeId})`;
}

/** `2 drained, 1 lost` */
function statesOf(nodes: readonly FarmNode[]): string {
  const counts = new Map<NodeState, number>();
  for (const { state } of nodes) counts.set(state, (counts.get(state) ?? 0) + 1);
  return STATES_BY_EASE.filter((state) => counts.has(state))
    .map((state) => `${counts.get(state)} ${state}`)
    .join(', ');
}

/** What a command brings back first, what has to be mended last. */
const STATES_BY_EASE: readonly NodeState[] = [
  'draining',
  'drained',
  'asleep',
  'quarantined',
  'lost',
  'ready',
];

/** The one that is nearest to what is needed; of equals the one with most slots, then the first. */
function bestOf({ nodes }: Group, job: FarmJob, lacks: readonly Lack[]): FarmNode {
  let best = nodes[0]!;
  for (const node of nodes) if (isNearer(node, best, job, lacks)) best = node;
  return best;
}

function isNearer(node: FarmNode, best: FarmNode, job: FarmJob, lacks: readonly Lack[]): boolean {
  for (const lack of lacks) {
    const lead = distance(best, job, lack) - distance(node, job, lack);
    if (lead !== 0) return lead > 0;
  }
  return node.slots > best.slots;
}

function distance(node: FarmNode, job: FarmJob, lack: Lack): number {
  switch (lack) {
    case 'tags':
      return missingTags(node, job).length;
    case 'memory':
      return job.slotMemoryBytes - node.memoryBytes;
    case 'cores':
      return job.cores - node.cores;
    case 'gpu':
      // First those with enough of them; memory as a part of what is needed, which is below 1 card.
      return (
        Math.max(0, job.gpus - node.gpus) +
        Math.max(0, job.gpuMemoryBytes - node.gpuMemoryBytes) / (job.gpuMemoryBytes + 1)
      );
    case 'node_state':
      return STATES_BY_EASE.indexOf(node.state);
    case 'pool':
    case 'renderer':
    case 'no_node':
    case 'blocked':
      return 0;
    default:
      throw lack satisfies never;
  }
}
