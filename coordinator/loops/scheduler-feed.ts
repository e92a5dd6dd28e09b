/**
 * Tells the allocator what the farm is like: nodes from their heartbeats and from what admins have set, jobs from their
 * records, their gates and what is left of them. Only what may have changed is looked at.
 */
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId, Studio } from '#shared/domain/ids.js';
import type { Admin } from '../admin/admin.js';
import { effectiveJob, effectiveNode } from '../admin/effective.js';
import type { AdminSettings } from '../admin/settings.js';
import type { Farm } from '../farm.js';
import { jobDemand } from '../jobs/job-demand.js';
import type { LiveJob } from '../jobs/live-job.js';
import { sceneKey } from '../jobs/scene-key.js';
import { type Ageing, ageOn, effectivePriority, NOT_AGED, nextAgeingAtMs } from '../scheduling/ageing.js';
import type { Allocator } from '../scheduling/allocator.js';
import type { FarmJob, FarmNode, FarmSnapshot } from '../scheduling/farm-model.js';
import { rendererSet } from '../scheduling/renderer-versions.js';
import { StudioWaits } from '../scheduling/studio-waits.js';
import type { JobGates } from './job-gates.js';
import type { KnownNode } from './nodes.js';
import { WarmScenes } from './warm-scenes.js';
import { findLacks, Workers } from './workers.js';

export interface FeedHooks {
  /** Nothing: it is not listed. */
  findNode(nodeId: NodeId): KnownNode | undefined;
  /** Key of the renderer that a job's nodes must have, once that is recorded and on the bus. */
  pinOf(jobId: JobId): string | undefined;
  /** Nodes that say that they cannot work for a job now, and are to tell when they can. */
  troubledNodes(jobId: JobId): readonly NodeId[];
  /** Whether a node is lost for so long that its slots count for nobody. */
  isGone(nodeId: NodeId): boolean;
  /** Whether a node is given no jobs that need licences. */
  isWithoutLicences(nodeId: NodeId): boolean;
}

/** Of what a machine has, this much is left for itself. */
const MEMORY_RATIO = 0.9;
/** Learnt memory is told in steps, so that a job is not moved for a few MB. */
const MEMORY_STEP_BYTES = 64 * 1024 * 1024;
/** Demand beyond this, or beyond twice the farm, makes no difference and is not told. */
const DEMAND_MIN = 1_024;

export class SchedulerFeed {
  private readonly farm: Farm;
  private readonly admin: Admin;
  private readonly gates: JobGates;
  private readonly hooks: FeedHooks;
  private readonly allocator: Allocator;
  private readonly warm = new WarmScenes();
  private readonly dirtyNodes = new Set<NodeId>();
  private readonly dirtyJobs = new Set<JobId>();
  private readonly nodes = new Map<NodeId, FarmNode>();
  private readonly jobs = new Map<JobId, FarmJob>();
  private readonly ages = new Map<JobId, Ageing>();
  private readonly waits = new StudioWaits();
  private settings: AdminSettings;
  /** Nothing whenever a node has changed. */
  private workers: Workers | undefined;
  /** Of those nodes that may merely be slow. */
  private readonly lost = new Set<NodeId>();
  /** Nodes whose slots are in the sum. */
  private readonly counted = new Set<NodeId>();
  /** Jobs of which nodes may use more, or less, beyond their slots than they were told. */
  private recapped = new Set<JobId>();
  /** Of the node that has most; nothing whenever nodes have changed. */
  private largestMemoryBytes: number | undefined;
  private slotsTotal = 0;
  private demandMax = DEMAND_MIN;

  constructor(farm: Farm, admin: Admin, gates: JobGates, allocator: Allocator, hooks: FeedHooks) {
    this.farm = farm;
    this.admin = admin;
    this.gates = gates;
    this.allocator = allocator;
    this.hooks = hooks;
    this.settings = admin.settings;
    allocator.setPolicy(admin.policy());
  }

  nodeChanged(nodeId: NodeId): void {
    this.dirtyNodes.add(nodeId);
  }

  jobChanged(jobId: JobId): void {
    this.dirtyJobs.add(jobId);
  }

  allJobsChanged(): void {
    for (const { jobId } of this.farm.jobs.liveJobs()) this.dirtyJobs.add(jobId);
    for (const jobId of this.jobs.keys()) this.dirtyJobs.add(jobId);
  }

  /** What admins have set has changed, or a report of a licence server has. */
  policyChanged(): void {
    const { settings } = this.admin;
    const before = this.settings;
    this.settings = settings;
    this.allocator.setPolicy(this.admin.policy());
    // A studio's limit may be new.
    if (settings.studios !== before.studios) for (const jobId of this.jobs.keys()) this.recapped.add(jobId);
    if (settings.nodes !== before.nodes)
      for (const nodeId of changedKeys(before.nodes, settings.nodes)) this.dirtyNodes.add(nodeId);
    if (settings.jobs !== before.jobs)
      for (const jobId of changedKeys(before.jobs, settings.jobs)) this.dirtyJobs.add(jobId);
  }

  get hasChanges(): boolean {
    return this.dirtyNodes.size + this.dirtyJobs.size > 0;
  }

  /** Tells the allocator of what has changed. @returns jobs that it was told of. */
  flush(): readonly JobId[] {
    if (this.dirtyNodes.size > 0) {
      this.workers = undefined;
      this.largestMemoryBytes = undefined;
    }
    for (const nodeId of this.dirtyNodes) this.tellNode(nodeId);
    this.dirtyNodes.clear();
    this.fitDemand();
    const jobIds = [...this.dirtyJobs];
    for (const jobId of jobIds) this.tellJob(jobId);
    this.dirtyJobs.clear();
    return jobIds;
  }

  /** Nodes that are there and may be given tiles of a job. Called for each failed tile. */
  workersOf(jobId: JobId): readonly NodeId[] {
    this.workers ??= new Workers(this.nodes.values());
    return this.workers.of(this.jobs.get(jobId));
  }

  /** Asks whether a node lacks what a job needs; nothing: every node has what every job needs. */
  lackOf(): ((nodeId: NodeId, jobId: JobId) => boolean) | undefined {
    return findLacks(this.nodes, this.jobs);
  }

  studioMaxSlots(studio: Studio): number {
    return this.settings.studios.get(studio)?.maxSlots ?? 0;
  }

  /** Slots of a job have changed: what is left of it may be less than it was given slots for. */
  settled(jobId: JobId): void {
    const told = this.jobs.get(jobId);
    const job = this.farm.jobs.liveJob(jobId);
    if (!told || !job) return;
    const slots = this.allocator.slotsOf(jobId);
    const age = this.ages.get(jobId) ?? NOT_AGED;
    this.ages.set(jobId, ageOn(age, !told.gate && told.demand > 0, slots, performance.now()));
    const isMore = told.demand <= slots && told.demand < Math.min(job.tilesOpen, this.demandMax);
    const isLess = job.tilesOpen < slots && told.demand > job.tilesOpen;
    if (isMore || isLess) this.dirtyJobs.add(jobId);
  }

  /** Jobs whose priority time alone has changed are told of again. */
  ageAll(): void {
    const nowMs = performance.now();
    this.lookWhoWaits(nowMs);
    for (const [jobId, age] of this.ages) {
      const told = this.jobs.get(jobId);
      if (!told) continue;
      const wants = !told.gate && told.demand > 0;
      if (ageOn(age, wants, this.allocator.slotsOf(jobId), nowMs) !== age) this.dirtyJobs.add(jobId);
    }
  }

  /**
   * When time alone changes a priority, or whose turn it is, by `performance.now()`. Asked after each decision: who waits
   * since then is noted.
   */
  nextAgeingAtMs(): number | undefined {
    const nowMs = performance.now();
    if (this.lookWhoWaits(nowMs)) return nowMs;
    let nextAtMs = this.waits.nextAtMs();
    for (const [jobId, age] of this.ages) {
      const atMs = nextAgeingAtMs((this.jobs.get(jobId)?.priority ?? 0) - age.steps, age);
      if (atMs !== undefined) nextAtMs = Math.min(nextAtMs ?? atMs, atMs);
    }
    return nextAtMs;
  }

  /** @returns whether there is something to decide anew. */
  private lookWhoWaits(nowMs: number): boolean {
    const slotsOf = (jobId: JobId) => this.allocator.slotsOf(jobId);
    const waits = this.waits.look(this.jobs.values(), slotsOf, nowMs);
    if (waits) this.allocator.setWaits(waits);
    return waits !== undefined;
  }

  /** Its tiles that render, as a node says: called for each heartbeat. */
  heard(heartbeat: Heartbeat, before: Heartbeat | undefined): void {
    if (!before || isSameHands(heartbeat, before)) return;
    const rendering = new Map<JobId, number>();
    for (const hand of heartbeat.inHand) if (hand.rendering) rendering.set(hand.jobId, hand.rendering);
    this.allocator.noteRendering(heartbeat.nodeId, rendering);
  }

  /** A node works for these now: their scenes are at hand there. */
  assigned(nodeId: NodeId, jobIds: readonly JobId[]): void {
    const keys = jobIds.flatMap((jobId) => this.jobs.get(jobId)?.sceneKey ?? []);
    if (this.warm.add(nodeId, keys)) this.dirtyNodes.add(nodeId);
  }

  /** As the allocator has them. */
  node(nodeId: NodeId): FarmNode | undefined {
    return this.nodes.get(nodeId);
  }

  /** It is lost for so long that the allocator does not know it. */
  isGone(nodeId: NodeId): boolean {
    return this.hooks.isGone(nodeId);
  }

  job(jobId: JobId): FarmJob | undefined {
    return this.jobs.get(jobId);
  }

  nodeIds(): IterableIterator<NodeId> {
    return this.nodes.keys();
  }

  /** Those since the last call. */
  takeRecapped(): ReadonlySet<JobId> {
    const recapped = this.recapped;
    this.recapped = new Set();
    return recapped;
  }

  snapshot(): FarmSnapshot {
    return { nodes: [...this.nodes.values()], jobs: [...this.jobs.values()] };
  }

  private tellNode(nodeId: NodeId): void {
    const known = this.hooks.findNode(nodeId);
    const before = this.nodes.get(nodeId);
    if (before && this.counted.delete(nodeId)) this.slotsTotal -= before.slots;
    if (!known) {
      this.countLost(nodeId, false);
      this.nodes.delete(nodeId);
      this.warm.forget(nodeId);
      this.allocator.removeNode(nodeId);
      return;
    }
    const node = this.toFarmNode(known);
    this.nodes.set(nodeId, node);
    const isGone = this.hooks.isGone(nodeId);
    this.countLost(nodeId, node.state === 'lost' && !isGone);
    if (isGone) {
      this.allocator.removeNode(nodeId);
      return;
    }
    this.counted.add(nodeId);
    this.slotsTotal += node.slots;
    this.allocator.setNode(node);
  }

  /** What jobs have there they cannot count on. */
  private countLost(nodeId: NodeId, isLost: boolean): void {
    const isNews = isLost ? !this.lost.has(nodeId) : this.lost.delete(nodeId);
    if (!isNews) return;
    if (isLost) this.lost.add(nodeId);
    for (const jobId of this.allocator.assignmentOf(nodeId).keys()) this.dirtyJobs.add(jobId);
  }

  private toFarmNode({ heartbeat, state, standing }: KnownNode): FarmNode {
    const { nodeId, slots, cores, memoryBytes, renderers, gpus = [] } = heartbeat;
    const { pools, tags } = effectiveNode(heartbeat, this.settings.nodes.get(nodeId));
    const blocked = new Set(standing.blocks.map(({ jobId }) => jobId));
    if (this.hooks.isWithoutLicences(nodeId))
      for (const { jobId, licences } of this.jobs.values()) if (licences.length > 0) blocked.add(jobId);
    return {
      ...{ nodeId, slots, cores, memoryBytes: Math.floor(memoryBytes * MEMORY_RATIO) },
      // A lost node that comes back is still quarantined.
      state: state === 'lost' && standing.quarantine ? 'quarantined' : state,
      gpus: gpus.length,
      gpuMemoryBytes: gpus.length === 0 ? 0 : Math.min(...gpus.map((gpu) => gpu.memoryBytes)),
      pools: new Set(pools),
      tags: new Set(tags),
      renderers: rendererSet(renderers),
      blockedJobs: blocked,
      warmScenes: this.warm.of(nodeId),
      rendering: new Map(heartbeat.inHand.map(({ jobId, rendering = 0 }) => [jobId, rendering])),
    };
  }

  private tellJob(jobId: JobId): void {
    const job = this.farm.jobs.liveJob(jobId);
    if (!job || job.isEnding) {
      if (!this.jobs.delete(jobId)) return;
      this.ages.delete(jobId);
      this.allocator.removeJob(jobId);
      return;
    }
    const before = this.jobs.get(jobId);
    const farmJob = this.describe(job);
    if (before?.slotMemoryBytes !== farmJob.slotMemoryBytes || before.maxSlots !== farmJob.maxSlots)
      this.recapped.add(jobId);
    if (!before && farmJob.licences.length > 0)
      for (const nodeId of this.nodes.keys())
        if (this.hooks.isWithoutLicences(nodeId)) this.dirtyNodes.add(nodeId);
    this.jobs.set(jobId, farmJob);
    this.allocator.setJob(farmJob);
  }

  /** As it is now, whatever was told. */
  describe(job: LiveJob): FarmJob {
    const { jobId, record } = job;
    const { schedule, plan, studio, createdAtMs, settings } = record;
    const { needs, licences, preempt } = schedule;
    const { priority, pool, maxSlots } = effectiveJob(schedule, this.settings.jobs.get(jobId));
    const renderer = this.hooks.pinOf(jobId);
    const waitsForPin = { kind: 'renderer', renderer: settings.renderer } as const;
    const gate = this.gates.gateOf(jobId) ?? (renderer === undefined ? waitsForPin : undefined);
    const { slots, nodesMin } = jobDemand(job, this.gates.heldFrames(jobId));
    const idle = slots === 0 ? NOTHING_IDLE : this.idleOf(jobId);
    const demand = Math.min(slots + idle.slots, this.demandMax);
    const before = this.ages.get(jobId) ?? NOT_AGED;
    const age = ageOn(before, !gate && demand > 0, this.allocator.slotsOf(jobId), performance.now());
    this.ages.set(jobId, age);
    return {
      ...{
        jobId,
        planId: plan.planId,
        studio,
        createdAtMs,
        gate,
        renderer,
        pool,
        maxSlots,
        licences,
        preempt,
      },
      ...{ demand, nodesMin: nodesMin + idle.nodes },
      priority: effectivePriority(priority, age),
      ...{ tags: needs.tags, cores: needs.cores, gpus: needs.gpus, gpuMemoryBytes: needs.gpuMemoryBytes },
      slotMemoryBytes: Math.max(needs.memoryBytes, this.learntMemoryBytes(job)),
      sceneKey: sceneKey(record),
    };
  }

  /**
   * Slots of a job that do nothing for it now: on nodes that are lost, or in trouble with it. It keeps them, since such a
   * node may go on at any moment; but what is left of the job needs as many elsewhere.
   */
  private idleOf(jobId: JobId): { readonly slots: number; readonly nodes: number } {
    const troubled = this.hooks.troubledNodes(jobId);
    if (this.lost.size + troubled.length === 0) return NOTHING_IDLE;
    const onNodes = this.allocator.nodesOf(jobId);
    let slots = 0;
    let nodes = 0;
    for (const [nodeId, its] of onNodes) {
      if (!this.lost.has(nodeId) && !troubled.includes(nodeId)) continue;
      slots += its;
      nodes++;
    }
    return { slots, nodes };
  }

  /** No more than the largest node has: it did render there. */
  private learntMemoryBytes({ peakMemoryBytes }: LiveJob): number {
    if (peakMemoryBytes < MEMORY_STEP_BYTES) return 0;
    const learnt = Math.ceil(peakMemoryBytes / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES;
    this.largestMemoryBytes ??= [...this.nodes.values()].reduce(
      (largest, { memoryBytes }) => Math.max(largest, memoryBytes),
      0,
    );
    return Math.min(learnt, this.largestMemoryBytes);
  }

  /** Only a farm that has grown or shrunk much changes it: all jobs are told anew then. */
  private fitDemand(): void {
    let wanted = DEMAND_MIN;
    while (wanted < 2 * this.slotsTotal) wanted *= 2;
    if (wanted <= this.demandMax && wanted * 4 > this.demandMax) return;
    this.demandMax = wanted;
    this.allJobsChanged();
  }
}

const NOTHING_IDLE = { slots: 0, nodes: 0 };

function isSameHands(one: Heartbeat, other: Heartbeat): boolean {
  return (
    one.inHand.length === other.inHand.length &&
    one.inHand.every((hand, index) => {
      const before = other.inHand[index]!;
      return hand.jobId === before.jobId && hand.rendering === before.rendering;
    })
  );
}

function changedKeys<K, V>(before: ReadonlyMap<K, V>, now: ReadonlyMap<K, V>): K[] {
  const keys = new Set([...before.keys(), ...now.keys()]);
  return [...keys].filter((key) => before.get(key) !== now.get(key));
}
