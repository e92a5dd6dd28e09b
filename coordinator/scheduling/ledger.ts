/**
 * Who has which slots, with every sum that a decision needs kept up at each change: the state of the allocator. It knows
 * no rule; `give` is the one way in which slots change hands.
 */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import type { FarmJob, FarmNode, LicencePolicy, StudioPolicy } from './farm-model.js';
import { type Kind, type NodeClass, NodeClasses } from './node-classes.js';

export interface NodeEntry {
  node: FarmNode;
  /** Tiles of each job that render there, as far as is known. */
  rendering: ReadonlyMap<JobId, number>;
  /** Absent: it gets nothing new. */
  nodeClass: NodeClass | undefined;
  /** In its class. */
  position: number;
  slotsUsed: number;
  memoryUsedBytes: number;
  readonly jobs: Map<JobEntry, number>;
}

export interface JobEntry {
  job: FarmJob;
  kind: Kind;
  studio: StudioEntry;
  licences: readonly LicenceEntry[];
  /** That it may have by its own demand and limit (limits.ts). */
  slotsMax: number;
  slots: number;
  readonly nodes: Map<NodeEntry, number>;
  readonly classes: Map<NodeClass, Map<NodeEntry, number>>;
  /** Where it got its last slot: the next one is best there too. */
  lastNode: NodeEntry | undefined;
  /** How far the search for a node where others would make room has come (make-room.ts). */
  searchedNodes: number;
}

export interface StudioEntry {
  readonly studio: Studio;
  policy: StudioPolicy;
  readonly jobs: Set<JobEntry>;
  slots: number;
  /** For how long it has had no slot (studio-waits.ts). */
  waitedSteps: number;
}

export interface LicenceEntry {
  readonly name: string;
  policy: LicencePolicy;
  slots: number;
  readonly nodes: Map<NodeEntry, number>;
  readonly jobs: Set<JobEntry>;
  /** For how long studios have had no token (studio-waits.ts); no entry: 0. */
  waitedSteps: ReadonlyMap<Studio, number>;
}

export class Ledger {
  readonly nodes = new Map<NodeId, NodeEntry>();
  readonly jobs = new Map<JobId, JobEntry>();
  readonly studios = new Map<Studio, StudioEntry>();
  readonly licences = new Map<string, LicenceEntry>();
  readonly classes = new NodeClasses();
  /** Another one after each change. */
  version = 0;
  /** Of each node that was touched since the last `takeChanged`: what it had before. */
  private readonly before = new Map<NodeEntry, ReadonlyMap<JobEntry, number>>();
  /** Likewise since the last `mark`. */
  private marked: Map<NodeEntry, ReadonlyMap<JobEntry, number>> | undefined;

  /** @param slots  more, or fewer if below 0. */
  give(job: JobEntry, entry: NodeEntry, slots: number): void {
    if (slots === 0) return;
    this.version += 1;
    if (!this.before.has(entry)) this.before.set(entry, new Map(entry.jobs));
    if (this.marked?.has(entry) === false) this.marked.set(entry, new Map(entry.jobs));
    const had = entry.jobs.get(job) ?? 0;
    const has = had + slots;
    setCount(entry.jobs, job, has);
    setCount(job.nodes, entry, has);
    entry.slotsUsed += slots;
    entry.memoryUsedBytes += slots * job.job.slotMemoryBytes;
    job.slots += slots;
    job.studio.slots += slots;
    for (const licence of job.licences) {
      licence.slots += slots;
      setCount(licence.nodes, entry, (licence.nodes.get(entry) ?? 0) + slots);
    }
    this.classes.changed(entry, job, had, has);
  }

  /** @returns nodes whose assignment is another than at the last call. */
  /** From here on moves can be taken back. */
  mark(): void {
    this.marked = new Map();
  }

  /** What was given since the mark stays. */
  keepSinceMark(): void {
    this.marked = undefined;
  }

  /** Everybody has what they had at the mark. */
  takeBack(): void {
    const marked = this.marked ?? [];
    this.marked = undefined;
    for (const [entry] of marked) for (const [job, slots] of [...entry.jobs]) this.give(job, entry, -slots);
    for (const [entry, jobs] of marked) for (const [job, slots] of jobs) this.give(job, entry, slots);
  }

  takeChanged(): ReadonlySet<NodeId> {
    const changed = new Set<NodeId>();
    for (const [entry, before] of this.before) {
      const isThere = this.nodes.get(entry.node.nodeId) === entry;
      if (isThere && !isSame(before, entry.jobs)) changed.add(entry.node.nodeId);
    }
    this.before.clear();
    return changed;
  }

  studio(studio: Studio, policy: StudioPolicy, waitedSteps: number): StudioEntry {
    let entry = this.studios.get(studio);
    if (!entry) {
      entry = { studio, policy, jobs: new Set(), slots: 0, waitedSteps };
      this.studios.set(studio, entry);
    }
    return entry;
  }

  licence(name: string, policy: LicencePolicy, waitedSteps: ReadonlyMap<Studio, number>): LicenceEntry {
    let entry = this.licences.get(name);
    if (!entry) {
      entry = { name, policy, slots: 0, nodes: new Map(), jobs: new Set(), waitedSteps };
      this.licences.set(name, entry);
    }
    return entry;
  }
}

/** @returns what it had. */
export function takeAll(ledger: Ledger, job: JobEntry): ReadonlyMap<NodeEntry, number> {
  const had = new Map(job.nodes);
  for (const [entry, slots] of had) ledger.give(job, entry, -slots);
  return had;
}

export function freeSlots({ node, slotsUsed }: NodeEntry): number {
  return node.slots - slotsUsed;
}

export function freeMemoryBytes({ node, memoryUsedBytes }: NodeEntry): number {
  return node.memoryBytes - memoryUsedBytes;
}

/** How many slots of the job the node has room for. */
export function roomOn(entry: NodeEntry, { job }: JobEntry): number {
  const slots = freeSlots(entry);
  if (job.slotMemoryBytes === 0) return slots;
  return Math.min(slots, Math.floor(freeMemoryBytes(entry) / job.slotMemoryBytes));
}

/** Its slots there that render nothing, as far as is known. */
export function idleOn(entry: NodeEntry, { job }: JobEntry, slots: number): number {
  return Math.max(0, slots - (entry.rendering.get(job.jobId) ?? 0));
}

function setCount<K>(counts: Map<K, number>, key: K, count: number): void {
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function isSame<K>(one: ReadonlyMap<K, number>, other: ReadonlyMap<K, number>): boolean {
  if (one.size !== other.size) return false;
  for (const [key, count] of one) if (other.get(key) !== count) return false;
  return true;
}
