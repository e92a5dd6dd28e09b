/**
 * Where a job gets a slot of those that are free: on nodes where it is at work, then on those that have its scene at
 * hand, then on the freest ones.
 */
import { freeSlots, type JobEntry, type Ledger, type NodeEntry, roomOn } from './ledger.js';
import { mayHaveTokensOn, nodesWithTokens } from './limits.js';
import type { NodeClass } from './node-classes.js';

/** So few free nodes are all looked at. */
const LOOKED_AT_MAX = 32;

/** @returns a node with a free slot for the job; nothing: there is none. */
export function findFree(ledger: Ledger, atHand: NodesAtHand, job: JobEntry): NodeEntry | undefined {
  const withTokens = nodesWithTokens(job);
  const mustSpread = job.nodes.size > 0 && job.nodes.size < job.job.nodesMin;
  const { lastNode } = job;
  if (!withTokens && !mustSpread && lastNode && isFree(lastNode, job)) return lastNode;
  const open = openClasses(ledger, job);
  if (open.length === 0) return undefined;
  if (withTokens) return freestOf([...withTokens.keys()].filter((entry) => isFree(entry, job)));
  if (mustSpread) {
    const apart = freestApart(open, job);
    if (apart) return apart;
  }
  return oneOfFew(open, job) ?? atHand.next(job) ?? freestIn(open, job);
}

/**
 * Nodes that work for a job or have its scene at hand, in turn. While slots are only given and none is taken, a node
 * that was full stays full: each is looked at once.
 */
export class NodesAtHand {
  private readonly warmNodes: ReadonlyMap<string, ReadonlySet<NodeEntry>>;
  private readonly cursors = new Map<JobEntry, Iterator<NodeEntry>>();

  /** @param warmNodes  by the scenes that they have at hand. */
  constructor(warmNodes: ReadonlyMap<string, ReadonlySet<NodeEntry>>) {
    this.warmNodes = warmNodes;
  }

  next(job: JobEntry): NodeEntry | undefined {
    let cursor = this.cursors.get(job);
    if (!cursor) {
      cursor = nodesAtHand(job, this.warmNodes);
      this.cursors.set(job, cursor);
    }
    for (let next = cursor.next(); !next.done; next = cursor.next())
      if (isFree(next.value, job)) return next.value;
    return undefined;
  }
}

function* nodesAtHand(
  job: JobEntry,
  warmNodes: ReadonlyMap<string, ReadonlySet<NodeEntry>>,
): Generator<NodeEntry, undefined> {
  yield* job.nodes.keys();
  yield* warmNodes.get(job.job.sceneKey) ?? [];
  return undefined;
}

export function isFree(entry: NodeEntry, job: JobEntry): boolean {
  return (
    entry.nodeClass?.kinds.has(job.kind) === true && roomOn(entry, job) > 0 && mayHaveTokensOn(entry, job)
  );
}

/** Classes in which a slot is free for the job. */
export function openClasses({ classes }: Ledger, { kind, job }: JobEntry): readonly NodeClass[] {
  const found: NodeClass[] = [];
  const { open } = classes;
  const [few, many] = open.size < kind.classes.size ? [open, kind.classes] : [kind.classes, open];
  for (const nodeClass of few)
    if (many.has(nodeClass) && nodeClass.free.memoryMax >= job.slotMemoryBytes) found.push(nodeClass);
  return found;
}

/** Where little is free, the best of it is soon found. */
function oneOfFew(open: readonly NodeClass[], job: JobEntry): NodeEntry | undefined {
  const free: NodeEntry[] = [];
  if (open.length > LOOKED_AT_MAX) return undefined;
  for (const nodeClass of open) {
    const more = nodeClass.free.some(job.job.slotMemoryBytes, LOOKED_AT_MAX + 1);
    for (const position of more) free.push(nodeClass.nodes[position]!);
    if (free.length > LOOKED_AT_MAX) return undefined;
  }
  const here = free.filter((entry) => job.nodes.has(entry));
  if (here.length > 0) return freestOf(here);
  return freestOf(free.filter(({ node }) => node.warmScenes.has(job.job.sceneKey))) ?? freestOf(free);
}

/** In the class that has room for most of its slots on one node, as far as can be seen from outside. */
function freestIn(open: readonly NodeClass[], { job }: JobEntry): NodeEntry | undefined {
  const bytes = job.slotMemoryBytes;
  let best: NodeClass | undefined;
  let bestRoom = 0;
  for (const nodeClass of open) {
    const { slotsMax, memoryMax } = nodeClass.free;
    const room = bytes === 0 ? slotsMax : Math.min(slotsMax, memoryMax / bytes);
    if (room > bestRoom) {
      best = nodeClass;
      bestRoom = room;
    }
  }
  return best?.nodes[best.free.freest(bytes)];
}

function freestApart(open: readonly NodeClass[], job: JobEntry): NodeEntry | undefined {
  const apart: NodeEntry[] = [];
  for (const { free, nodes } of open) {
    const position = free.freest(job.job.slotMemoryBytes, (at) => job.nodes.has(nodes[at]!));
    if (position >= 0) apart.push(nodes[position]!);
  }
  return freestOf(apart);
}

function freestOf(entries: readonly NodeEntry[]): NodeEntry | undefined {
  let best: NodeEntry | undefined;
  for (const entry of entries) if (!best || freeSlots(entry) > freeSlots(best)) best = entry;
  return best;
}
