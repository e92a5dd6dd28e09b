/**
 * Groups of nodes between which no job can tell a difference, but for slots and memory. Jobs with equal needs are of one
 * kind; a class is all nodes that may work for the same kinds. What is reasoned about classes and kinds costs the same
 * whether the farm has ten nodes or ten thousand.
 */
import { invariant } from '#shared/invariant.js';
import { isOfKind, type KindNeeds } from './eligible-node.js';
import type { FarmJob, FarmNode } from './farm-model.js';
import { FreeNodes } from './free-nodes.js';
import type { JobEntry, NodeEntry } from './ledger.js';

/** Kinds that no job is of any more are kept for the next job, up to so many. */
const IDLE_KINDS_MAX = 128;

export interface Kind {
  readonly index: number;
  readonly key: string;
  readonly needs: KindNeeds;
  /** A job that some node is blocked for is of a kind of its own. */
  readonly onlyJob: FarmJob['jobId'] | undefined;
  readonly classes: Set<NodeClass>;
  readonly jobs: Set<JobEntry>;
  /** Kinds that have slots in classes where this one may work, with the number of such classes. */
  readonly meets: Map<Kind, number>;
  /** Found by paths.ts while `waysVersion` was what it is now. */
  ways: Ways | undefined;
  /** No slot is free that a job of so much memory could come to by a way, as of that version of the ledger. */
  noFree: { readonly version: number; readonly memoryBytes: number } | undefined;
}

interface Ways {
  readonly version: number;
  readonly found: ReadonlyMap<Kind, Kind | undefined>;
}

export class NodeClass {
  readonly kinds: Set<Kind>;
  readonly nodes: NodeEntry[] = [];
  readonly free = new FreeNodes();
  /** Of each job that has slots here: the nodes, with how many. */
  readonly jobs = new Map<JobEntry, Map<NodeEntry, number>>();
  /** Slots of each kind here; no entry: none. */
  readonly slotsByKind = new Map<Kind, number>();
  freeSlots = 0;

  constructor(kinds: Set<Kind>) {
    this.kinds = kinds;
  }
}

export class NodeClasses {
  readonly all = new Set<NodeClass>();
  /** Those where a slot is free. */
  readonly open = new Set<NodeClass>();
  freeSlots = 0;
  /** Another one whenever a kind meets a kind that it did not meet, or meets it no more. */
  waysVersion = 0;
  private readonly kinds = new Map<string, Kind>();
  private byKey = new Map<string, NodeClass>();
  private nextIndex = 0;

  /** The kind that a job is of. */
  kindOf(job: FarmJob, isBlockedSomewhere: boolean): Kind {
    const key = kindKey(job, isBlockedSomewhere);
    let kind = this.kinds.get(key);
    if (!kind) {
      this.dropIdleKinds();
      const onlyJob = isBlockedSomewhere ? job.jobId : undefined;
      kind = {
        ...{ index: this.nextIndex++, key, needs: job, onlyJob },
        ...{ classes: new Set(), jobs: new Set(), meets: new Map(), ways: undefined, noFree: undefined },
      };
      this.kinds.set(key, kind);
      this.split(kind);
    }
    return kind;
  }

  /** Puts a node, with the slots that it has given, into its class. */
  enter(entry: NodeEntry): void {
    const kinds: Kind[] = [];
    for (const kind of this.kinds.values()) if (isNodeOfKind(entry.node, kind)) kinds.push(kind);
    this.put(entry, this.classFor(kinds));
  }

  leave(entry: NodeEntry): void {
    const { nodeClass } = entry;
    if (!nodeClass) return;
    for (const [job, slots] of entry.jobs) this.count(nodeClass, entry, job, slots, 0);
    const last = nodeClass.nodes.pop()!;
    this.addFree(nodeClass, -freeOn(entry));
    nodeClass.free.set(nodeClass.nodes.length, 0, -1);
    if (last !== entry) {
      nodeClass.nodes[entry.position] = last;
      last.position = entry.position;
      nodeClass.free.set(last.position, freeOn(last), last.node.memoryBytes - last.memoryUsedBytes);
    }
    entry.nodeClass = undefined;
    if (nodeClass.nodes.length === 0) this.drop(nodeClass);
  }

  /** After the slots of a job on a node have changed, and with them what is free there. */
  changed(entry: NodeEntry, job: JobEntry, before: number, after: number): void {
    const { nodeClass } = entry;
    if (!nodeClass) return;
    this.count(nodeClass, entry, job, before, after);
    this.addFree(nodeClass, before - after);
    nodeClass.free.set(entry.position, freeOn(entry), entry.node.memoryBytes - entry.memoryUsedBytes);
  }

  private count(nodeClass: NodeClass, entry: NodeEntry, job: JobEntry, before: number, after: number): void {
    const { jobs, slotsByKind } = nodeClass;
    let nodes = jobs.get(job);
    if (!nodes) {
      nodes = new Map();
      jobs.set(job, nodes);
      job.classes.set(nodeClass, nodes);
    }
    if (after > 0) nodes.set(entry, after);
    else {
      nodes.delete(entry);
      if (nodes.size === 0) {
        jobs.delete(job);
        job.classes.delete(nodeClass);
      }
    }
    const ofKind = (slotsByKind.get(job.kind) ?? 0) + after - before;
    invariant(ofKind >= 0, 'a class has lost slots that it did not have');
    if (ofKind === 0) {
      slotsByKind.delete(job.kind);
      for (const kind of nodeClass.kinds) this.meet(kind, job.kind, -1);
    } else {
      if (!slotsByKind.has(job.kind)) for (const kind of nodeClass.kinds) this.meet(kind, job.kind, 1);
      slotsByKind.set(job.kind, ofKind);
    }
  }

  private meet(kind: Kind, other: Kind, classCount: number): void {
    const before = kind.meets.get(other) ?? 0;
    const count = before + classCount;
    if (count === 0) kind.meets.delete(other);
    else kind.meets.set(other, count);
    if (count === 0 || before === 0) this.waysVersion += 1;
  }

  private put(entry: NodeEntry, nodeClass: NodeClass): void {
    entry.nodeClass = nodeClass;
    entry.position = nodeClass.nodes.length;
    nodeClass.nodes.push(entry);
    for (const [job, slots] of entry.jobs) this.count(nodeClass, entry, job, 0, slots);
    this.addFree(nodeClass, freeOn(entry));
    nodeClass.free.set(entry.position, freeOn(entry), entry.node.memoryBytes - entry.memoryUsedBytes);
  }

  private addFree(nodeClass: NodeClass, slots: number): void {
    nodeClass.freeSlots += slots;
    this.freeSlots += slots;
    if (nodeClass.freeSlots > 0) this.open.add(nodeClass);
    else this.open.delete(nodeClass);
  }

  private classFor(kinds: readonly Kind[]): NodeClass {
    const key = kinds.map(({ index }) => index).join();
    let found = this.byKey.get(key);
    if (!found) {
      found = new NodeClass(new Set(kinds));
      this.byKey.set(key, found);
      this.all.add(found);
      for (const kind of kinds) kind.classes.add(found);
    }
    return found;
  }

  private drop(nodeClass: NodeClass): void {
    this.byKey.delete(keyOf(nodeClass));
    this.all.delete(nodeClass);
    for (const kind of nodeClass.kinds) kind.classes.delete(nodeClass);
  }

  /** A kind is new: classes of which only some nodes may work for it come apart; the smaller part moves. */
  private split(kind: Kind): void {
    const moving: { readonly nodes: readonly NodeEntry[]; readonly kinds: readonly Kind[] }[] = [];
    for (const nodeClass of this.all) {
      const { nodes } = nodeClass;
      const kinds = [...nodeClass.kinds];
      const fit = nodes.filter(({ node }) => isNodeOfKind(node, kind));
      if (2 * fit.length <= nodes.length) moving.push({ nodes: fit, kinds: [...kinds, kind] });
      else {
        nodeClass.kinds.add(kind);
        kind.classes.add(nodeClass);
        for (const other of nodeClass.slotsByKind.keys()) this.meet(kind, other, 1);
        if (fit.length < nodes.length)
          moving.push({ nodes: nodes.filter(({ node }) => !isNodeOfKind(node, kind)), kinds });
      }
    }
    // All keys first: a node that moves must find the classes under their new names.
    this.byKey = new Map([...this.all].map((nodeClass) => [keyOf(nodeClass), nodeClass]));
    for (const { nodes, kinds } of moving) {
      if (nodes.length === 0) continue;
      const target = this.classFor(kinds);
      for (const entry of nodes) {
        this.leave(entry);
        this.put(entry, target);
      }
    }
  }

  private dropIdleKinds(): void {
    const idle = [...this.kinds.values()].filter(({ jobs }) => jobs.size === 0);
    if (idle.length <= Math.max(IDLE_KINDS_MAX, this.kinds.size / 2)) return;
    for (const { key } of idle) this.kinds.delete(key);
    const entries = [...this.all].flatMap(({ nodes }) => [...nodes]);
    for (const entry of entries) this.leave(entry);
    for (const entry of entries) this.enter(entry);
  }
}

/** Kinds of a class are added in the order of their indexes, always: equal sets have equal keys. */
function keyOf({ kinds }: NodeClass): string {
  return [...kinds].map(({ index }) => index).join();
}

function freeOn({ node, slotsUsed }: NodeEntry): number {
  return node.slots - slotsUsed;
}

function isNodeOfKind(node: FarmNode, { needs, onlyJob }: Kind): boolean {
  return isOfKind(node, needs) && !(onlyJob !== undefined && node.blockedJobs.has(onlyJob));
}

function kindKey(job: FarmJob, isBlockedSomewhere: boolean): string {
  const { pool = '', renderer = '', cores, gpus } = job;
  const gpuMemoryBytes = gpus > 0 ? job.gpuMemoryBytes : 0;
  const tags = [...job.tags].sort().join('/');
  const own = isBlockedSomewhere ? job.jobId : '';
  return `${pool}/${renderer}/${cores}/${gpus}/${gpuMemoryBytes}/${own}/${tags}`;
}
