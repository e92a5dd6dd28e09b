/** A node or a job is another than before: who had slots keeps them, as far as that is still possible. */
import type { JobId } from '#shared/domain/ids.js';
import { canRender } from './eligible-node.js';
import type { FarmJob, FarmNode } from './farm-model.js';
import { type JobEntry, type Ledger, type NodeEntry, roomOn, takeAll } from './ledger.js';
import { byNeed } from './shares.js';

/** What is known of all nodes together. */
export interface Circumstances {
  /** On how many nodes each job is blocked. */
  readonly blockedOn: Map<JobId, number>;
  /** Nodes by the scenes that they have at hand. */
  readonly warmNodes: Map<string, Set<NodeEntry>>;
}

const NOTHING_RENDERS: ReadonlyMap<JobId, number> = new Map();

/**
 * @param before  absent: the node is new.
 * @param after   absent: it is gone.
 * @returns       whether the change can matter to assignments.
 */
export function changeNode(
  ledger: Ledger,
  circumstances: Circumstances,
  before: NodeEntry | undefined,
  after: FarmNode | undefined,
): boolean {
  if (before && after && isSameForJobs(before.node, after)) {
    changeWarmth(circumstances, before, before.node.warmScenes, after.warmScenes);
    before.node = after;
    before.rendering = after.rendering;
    return false;
  }
  const entry = before ?? newEntry(after!);
  const had = [...entry.jobs];
  for (const [job, slots] of had) ledger.give(job, entry, -slots);
  ledger.classes.leave(entry);
  const was = before?.node;
  changeWarmth(circumstances, entry, was?.warmScenes, after?.warmScenes);
  if (after) {
    entry.node = after;
    entry.rendering = after.rendering;
    ledger.nodes.set(after.nodeId, entry);
  } else ledger.nodes.delete(entry.node.nodeId);
  changeBlocks(ledger, circumstances, was?.blockedJobs, after?.blockedJobs);
  if (!after) return true;
  if (after.state === 'ready' && after.slots > 0) ledger.classes.enter(entry);
  had.sort(([one], [other]) => byNeed(one, other));
  for (const [job, slots] of had) ledger.give(job, entry, Math.min(slots, roomToKeep(entry, job)));
  return true;
}

/** How many slots of the job the node may have that has had them; a lost one keeps what it has. */
export function roomToKeep(entry: NodeEntry, job: JobEntry): number {
  const { node, nodeClass } = entry;
  const isPossible =
    nodeClass?.kinds.has(job.kind) ??
    (node.state === 'lost' && canRender(node, job.job) && !node.blockedJobs.has(job.job.jobId));
  return isPossible ? Math.max(0, roomOn(entry, job)) : 0;
}

/** Whether nodes are to the job what they were, and it counts against the same limits. */
export function isSameDemand(one: FarmJob, other: FarmJob): boolean {
  return (
    one.studio === other.studio &&
    one.pool === other.pool &&
    one.renderer === other.renderer &&
    one.cores === other.cores &&
    one.slotMemoryBytes === other.slotMemoryBytes &&
    one.gpus === other.gpus &&
    one.gpuMemoryBytes === other.gpuMemoryBytes &&
    isSameArray(one.tags, other.tags) &&
    isSameArray(one.licences, other.licences)
  );
}

function newEntry(node: FarmNode): NodeEntry {
  return {
    node,
    rendering: NOTHING_RENDERS,
    nodeClass: undefined,
    position: 0,
    slotsUsed: 0,
    memoryUsedBytes: 0,
    jobs: new Map(),
  };
}

/** A job that the first node is blocked for becomes of a kind of its own, until it ends. */
function changeBlocks(
  ledger: Ledger,
  { blockedOn }: Circumstances,
  before: ReadonlySet<JobId> = new Set(),
  after: ReadonlySet<JobId> = new Set(),
): void {
  for (const jobId of before) {
    const count = blockedOn.get(jobId)! - 1;
    if (count === 0) blockedOn.delete(jobId);
    else blockedOn.set(jobId, count);
  }
  for (const jobId of after) {
    blockedOn.set(jobId, (blockedOn.get(jobId) ?? 0) + 1);
    const job = ledger.jobs.get(jobId);
    if (job && job.kind.onlyJob === undefined) becomeOfOwnKind(ledger, job);
  }
}

function becomeOfOwnKind(ledger: Ledger, job: JobEntry): void {
  const had = takeAll(ledger, job);
  job.kind.jobs.delete(job);
  job.kind = ledger.classes.kindOf(job.job, true);
  job.kind.jobs.add(job);
  for (const [entry, slots] of had) ledger.give(job, entry, Math.min(slots, roomToKeep(entry, job)));
}

function changeWarmth(
  { warmNodes }: Circumstances,
  entry: NodeEntry,
  before: ReadonlySet<string> = new Set(),
  after: ReadonlySet<string> = new Set(),
): void {
  for (const scene of before) {
    if (after.has(scene)) continue;
    const nodes = warmNodes.get(scene)!;
    nodes.delete(entry);
    if (nodes.size === 0) warmNodes.delete(scene);
  }
  for (const scene of after) {
    const nodes = warmNodes.get(scene);
    if (nodes) nodes.add(entry);
    else warmNodes.set(scene, new Set([entry]));
  }
}

/** What a node renders and has at hand does not matter to what is decided of it, only to which one is chosen. */
function isSameForJobs(one: FarmNode, other: FarmNode): boolean {
  return (
    one.state === other.state &&
    one.slots === other.slots &&
    one.cores === other.cores &&
    one.memoryBytes === other.memoryBytes &&
    one.gpus === other.gpus &&
    one.gpuMemoryBytes === other.gpuMemoryBytes &&
    one.renderers?.text === other.renderers?.text &&
    isSameSet(one.pools, other.pools) &&
    isSameSet(one.tags, other.tags) &&
    isSameSet(one.blockedJobs, other.blockedJobs)
  );
}

function isSameSet<T>(one: ReadonlySet<T>, other: ReadonlySet<T>): boolean {
  if (one === other) return true;
  if (one.size !== other.size) return false;
  for (const value of one) if (!other.has(value)) return false;
  return true;
}

function isSameArray<T>(one: readonly T[], other: readonly T[]): boolean {
  return (
    one === other || (one.length === other.length && one.every((value, index) => value === other[index]))
  );
}
