/**
 * Which slots of which nodes work for which job, kept up as the farm changes: an event costs what it moves, and what is
 * reasoned about classes of nodes, not the farm. Deterministic: no clock, no random source, no I/O. What it decides
 * depends on what went before, since it moves as little as possible.
 * Stages of `settle`: limits (shed) → who has waited for a licence (turns) → what is free (fill, place) → shares (exchange) → spread.
 */
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import { exchange, fillByWays } from './exchange.js';
import { type Circumstances, changeNode, isSameDemand, roomToKeep } from './farm-changes.js';
import type { Allocation, FarmJob, FarmNode, FarmSnapshot, SchedulingPolicy } from './farm-model.js';
import { fill } from './fill.js';
import { type JobEntry, Ledger, type NodeEntry, takeAll } from './ledger.js';
import { licencePolicy, slotsMaxOf, studioPolicy } from './limits.js';
import { shedCounted, shedJob } from './shed.js';
import { spread } from './spread.js';
import type { Waits } from './studio-waits.js';
import { takeTurns } from './turns.js';

/** Rounds of giving and exchanging end by themselves; should memory make them go round, the next event goes on. */
const ROUNDS_MAX = 1_000;

const NOTHING_CHANGED: ReadonlySet<NodeId> = new Set();
const NOBODY_WAITS: ReadonlyMap<Studio, number> = new Map();
const NO_JOBS: ReadonlyMap<JobId, number> = new Map();

export interface Settled {
  /** Nodes whose assignment is another than at the last `settle`; such that were removed are not among them. */
  readonly changedNodes: ReadonlySet<NodeId>;
}

export class Allocator {
  private readonly ledger = new Ledger();
  private readonly circumstances: Circumstances = { blockedOn: new Map(), warmNodes: new Map() };
  private policy: SchedulingPolicy = { studios: new Map(), licences: new Map() };
  private waits: Waits = { studios: NOBODY_WAITS, licences: new Map() };
  private isSettled = true;

  /** A node is new, or another than before in whatever way. */
  setNode(node: FarmNode): void {
    const entry = this.ledger.nodes.get(node.nodeId);
    if (changeNode(this.ledger, this.circumstances, entry, node)) this.isSettled = false;
  }

  removeNode(nodeId: NodeId): void {
    const entry = this.ledger.nodes.get(nodeId);
    if (!entry) return;
    changeNode(this.ledger, this.circumstances, entry, undefined);
    this.isSettled = false;
  }

  /** What renders on a node now: of two jobs that can give a slot there, the idle one gives it. Changes nothing by itself. */
  noteRendering(nodeId: NodeId, rendering: ReadonlyMap<JobId, number>): void {
    const entry = this.ledger.nodes.get(nodeId);
    if (entry) entry.rendering = rendering;
  }

  /** A job is new, or another than before in whatever way. */
  setJob(job: FarmJob): void {
    const entry = this.ledger.jobs.get(job.jobId);
    if (!entry) this.ledger.jobs.set(job.jobId, this.newEntry(job));
    else if (isSameDemand(entry.job, job)) {
      const { priority, createdAtMs, nodesMin } = entry.job;
      const slotsMax = slotsMaxOf(job);
      const isSame =
        slotsMax === entry.slotsMax &&
        priority === job.priority &&
        createdAtMs === job.createdAtMs &&
        nodesMin === job.nodesMin;
      entry.job = job;
      if (isSame) return;
      entry.slotsMax = slotsMax;
      shedJob(this.ledger, entry);
    } else {
      const had = takeAll(this.ledger, entry);
      this.leaveGroups(entry);
      Object.assign(entry, { job, ...this.groupsOf(job) });
      this.joinGroups(entry);
      for (const [node, slots] of had) this.keep(entry, node, slots);
      shedJob(this.ledger, entry);
    }
    this.isSettled = false;
  }

  removeJob(jobId: JobId): void {
    const entry = this.ledger.jobs.get(jobId);
    if (!entry) return;
    takeAll(this.ledger, entry);
    this.leaveGroups(entry);
    this.ledger.jobs.delete(jobId);
    this.isSettled = false;
  }

  setPolicy(policy: SchedulingPolicy): void {
    this.policy = policy;
    const { studios, licences } = this.ledger;
    for (const entry of studios.values()) entry.policy = studioPolicy(policy, entry.studio);
    for (const entry of licences.values()) entry.policy = licencePolicy(policy, entry.name);
    this.isSettled = false;
  }

  /** Which studios have waited for how long: those that have waited longer get their turn. */
  setWaits(waits: Waits): void {
    this.waits = waits;
    const { studios, licences } = this.ledger;
    for (const entry of studios.values()) entry.waitedSteps = waits.studios.get(entry.studio) ?? 0;
    for (const entry of licences.values()) entry.waitedSteps = waits.licences.get(entry.name) ?? NOBODY_WAITS;
    this.isSettled = false;
  }

  /** Decides. Without any change since the last time nothing changes. */
  settle(): Settled {
    if (this.isSettled) return { changedNodes: NOTHING_CHANGED };
    const { ledger } = this;
    // What was found in vain may be there now.
    ledger.version += 1;
    shedCounted(ledger);
    takeTurns(ledger);
    this.share();
    this.spread();
    this.isSettled = true;
    return { changedNodes: ledger.takeChanged() };
  }

  /**
   * What a job leaves when it moves apart from itself may be what another one lacks, and what that one takes may push the
   * first together again: then all of it is left, or each later decision would move them once more.
   */
  private spread(): void {
    const { ledger } = this;
    ledger.mark();
    if (spread(ledger)) {
      this.share();
      if (spread(ledger)) ledger.takeBack();
    }
    ledger.keepSinceMark();
  }

  private share(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      fill(this.ledger, this.circumstances.warmNodes);
      const hasMoved = fillByWays(this.ledger);
      if (!exchange(this.ledger) && !hasMoved) return;
    }
  }

  /** Slots by job; a node that is not known has none. */
  assignmentOf(nodeId: NodeId): ReadonlyMap<JobId, number> {
    const entry = this.ledger.nodes.get(nodeId);
    if (!entry || entry.jobs.size === 0) return NO_JOBS;
    const slots = new Map<JobId, number>();
    for (const [{ job }, count] of entry.jobs) slots.set(job.jobId, count);
    return slots;
  }

  slotsOf(jobId: JobId): number {
    return this.ledger.jobs.get(jobId)?.slots ?? 0;
  }

  /** Nodes that work for the job, with how many slots. */
  nodesOf(jobId: JobId): ReadonlyMap<NodeId, number> {
    const nodes = this.ledger.jobs.get(jobId)?.nodes ?? new Map<NodeEntry, number>();
    return new Map([...nodes].map(([{ node }, slots]) => [node.nodeId, slots]));
  }

  /** Slots of all jobs of the studio. */
  studioSlots(studio: Studio): number {
    return this.ledger.studios.get(studio)?.slots ?? 0;
  }

  allocation(): Allocation {
    const nodes = [...this.ledger.nodes.values()].filter(({ jobs }) => jobs.size > 0);
    return new Map(nodes.map(({ node }) => [node.nodeId, this.assignmentOf(node.nodeId)]));
  }

  /** Gives a job slots that it has already, as far as it may have them. */
  restore(before: Allocation): void {
    for (const [nodeId, slots] of before) {
      const node = this.ledger.nodes.get(nodeId);
      if (!node) continue;
      for (const [jobId, count] of slots) {
        const job = this.ledger.jobs.get(jobId);
        if (job) this.keep(job, node, count);
      }
    }
    for (const job of this.ledger.jobs.values()) shedJob(this.ledger, job);
    this.isSettled = false;
  }

  private keep(job: JobEntry, node: NodeEntry, slots: number): void {
    this.ledger.give(job, node, Math.min(slots, roomToKeep(node, job)));
  }

  private newEntry(job: FarmJob): JobEntry {
    const lists = { nodes: new Map(), classes: new Map(), lastNode: undefined, searchedNodes: 0 };
    const entry = { job, ...this.groupsOf(job), slots: 0, ...lists };
    this.joinGroups(entry);
    return entry;
  }

  private groupsOf(job: FarmJob): Pick<JobEntry, 'kind' | 'studio' | 'licences' | 'slotsMax'> {
    const { ledger, policy, waits } = this;
    const isBlockedSomewhere = this.circumstances.blockedOn.has(job.jobId);
    const licences = [...new Set(job.licences)];
    return {
      kind: ledger.classes.kindOf(job, isBlockedSomewhere),
      studio: ledger.studio(job.studio, studioPolicy(policy, job.studio), waits.studios.get(job.studio) ?? 0),
      licences: licences.map((name) =>
        ledger.licence(name, licencePolicy(policy, name), waits.licences.get(name) ?? NOBODY_WAITS),
      ),
      slotsMax: slotsMaxOf(job),
    };
  }

  private joinGroups(entry: JobEntry): void {
    entry.kind.jobs.add(entry);
    entry.studio.jobs.add(entry);
    for (const licence of entry.licences) licence.jobs.add(entry);
  }

  /** It has no slots any more. */
  private leaveGroups(entry: JobEntry): void {
    const { ledger } = this;
    entry.kind.jobs.delete(entry);
    entry.studio.jobs.delete(entry);
    if (entry.studio.jobs.size === 0) ledger.studios.delete(entry.studio.studio);
    for (const licence of entry.licences) {
      licence.jobs.delete(entry);
      if (licence.jobs.size === 0) ledger.licences.delete(licence.name);
    }
  }
}

/**
 * From scratch, or from an allocation that is in force: what of it may stay, stays.
 * @returns nodes without slots are left out.
 */
export function allocate(farm: FarmSnapshot, policy: SchedulingPolicy, before?: Allocation): Allocation {
  const allocator = new Allocator();
  allocator.setPolicy(policy);
  for (const job of farm.jobs) allocator.setJob(job);
  for (const node of farm.nodes) allocator.setNode(node);
  if (before) allocator.restore(before);
  allocator.settle();
  return allocator.allocation();
}
