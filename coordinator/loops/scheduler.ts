/**
 * The slow plane of scheduling: what happens on the farm goes into the allocator's picture of it, and what the allocator
 * makes of that goes to nodes. Built of gates (what may run), feed (the picture) and assigner (what is written).
 */
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Admin } from '../admin/admin.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { Allocator } from '../scheduling/allocator.js';
import type { SchedulerView } from '../scheduling/scheduler-view.js';
import { Assigner } from './assign.js';
import { JobGates } from './job-gates.js';
import type { KnownNode } from './nodes.js';
import type { NodesKnown } from './nodes-known.js';
import { SchedulerFeed } from './scheduler-feed.js';
import { schedulerView } from './scheduler-view.js';

export interface SchedulerHooks {
  findNode(nodeId: NodeId): KnownNode | undefined;
  /** Key of the renderer that a job's nodes must have; nothing: not decided yet, or not a running job. */
  needsOf(jobId: JobId): string | undefined;
  /** Whether that is recorded: nodes are not told of a job before. */
  isPinned(jobId: JobId): boolean;
  /** Nodes that are kept from working for a job by some trouble. */
  troubledNodes(jobId: JobId): readonly NodeId[];
  /** Whoever judges nodes wants to look as well. */
  kicked(): void;
  /** Before each allocation for which nodes or jobs came, went or are others. */
  looked(): void;
  /** Tiles may be fed that might not before, or are wanted sooner. */
  feed(): void;
  readonly nodesKnown: NodesKnown;
}

/** A job that has fewer nodes than its tiles need for so long cannot get more: it is left to those that it has. */
const NARROW_AFTER_MS = 3_000;
/** A lost node may merely be slow; after that its agent, if it lives, has ended whatever a limit counts (`licenceFenceMs`). */
const GONE_AFTER_MS = TIMES.licenceFenceMs;

export class Scheduler {
  readonly view: SchedulerView;
  private readonly farm: Farm;
  private readonly admin: Admin;
  private readonly hooks: SchedulerHooks;
  private readonly allocator = new Allocator();
  private readonly gates: JobGates;
  private readonly feed: SchedulerFeed;
  readonly assigner: Assigner;
  /** Jobs that have fewer nodes than they need, and since when. */
  private readonly narrowSinceMs = new Map<JobId, number>();
  /** Of `sinceMs` on; `isGone`: its slots count for nobody any more. */
  private readonly lostNodes = new Map<NodeId, { readonly sinceMs: number; isGone: boolean }>();
  private readonly lastHeartbeats = new Map<NodeId, Heartbeat>();
  private slotsGiven = 0;
  private readonly slotsOfJobs = new Map<JobId, number>();
  private stopListening: () => unknown = () => undefined;

  constructor(farm: Farm, admin: Admin, hooks: SchedulerHooks) {
    this.farm = farm;
    this.admin = admin;
    this.hooks = hooks;
    const { allocator } = this;
    this.gates = new JobGates(farm, {
      settings: () => admin.settings,
      changed: (jobId) => {
        this.feed.jobChanged(jobId);
        this.assigner.wake();
        hooks.feed();
      },
    });
    this.feed = new SchedulerFeed(farm, admin, this.gates, allocator, {
      findNode: (nodeId) => hooks.findNode(nodeId),
      pinOf: (jobId) => (hooks.isPinned(jobId) ? hooks.needsOf(jobId) : undefined),
      troubledNodes: (jobId) => hooks.troubledNodes(jobId),
      isWithoutLicences: (nodeId) => this.assigner.isWithoutLicences(nodeId),
      isGone: (nodeId) => this.lostNodes.get(nodeId)?.isGone ?? false,
    });
    this.assigner = new Assigner(farm, this.feed, allocator, {
      findNode: (nodeId) => hooks.findNode(nodeId),
      kicked: () => hooks.kicked(),
      looked: () => hooks.looked(),
      settled: (jobIds) => this.settled(jobIds),
      nextChangeAtMs: () => earlier(this.gates.nextChangeAtMs(), this.feed.nextAgeingAtMs()),
      timeChanged: () => {
        this.gates.lookAtAll();
        this.feed.ageAll();
      },
    });
    this.view = schedulerView({
      ...{ farm, admin, allocator, feed: this.feed, gates: this.gates },
      written: this.assigner.written,
      licencesInUse: () => this.assigner.gate.inUse(),
      nodesKnown: hooks.nodesKnown,
    });
  }

  async start(): Promise<void> {
    this.assigner.gate.setPolicy(this.admin.policy().licences);
    for (const job of this.farm.jobs.liveJobs()) this.open(job);
    this.stopListening = this.admin.onChange(() => this.settingsChanged());
    await this.assigner.start();
  }

  async stop(): Promise<void> {
    this.stopListening();
    await this.assigner.stop();
  }

  /** A job runs from now on, or again: it is judged, and fed if nothing holds it back. */
  jobKnown(job: LiveJob): void {
    this.open(job);
    this.gates.otherChanged(job.jobId);
  }

  /** Nodes can work for it: it is on the bus. */
  jobOpened({ jobId }: LiveJob): void {
    this.feed.jobChanged(jobId);
    this.assigner.kick();
  }

  jobEnded(jobId: JobId): void {
    this.gates.closed(jobId);
    this.narrowSinceMs.delete(jobId);
    this.setSlots(jobId, 0);
    this.assigner.jobEnded(jobId);
  }

  frameEnded(job: LiveJob, frame: number): void {
    this.gates.frameEnded(job.jobId, frame);
    this.demandMoved(job);
  }

  /** Renderers of jobs were decided. */
  pinsChanged(): void {
    this.feed.allJobsChanged();
    this.assigner.kick();
  }

  nodeChanged(nodeId: NodeId): void {
    this.feed.nodeChanged(nodeId);
    this.assigner.kick();
  }

  /** Other nodes are blocked or quarantined than before. */
  standingsChanged(nodes: readonly KnownNode[]): void {
    for (const { heartbeat } of nodes) this.feed.nodeChanged(heartbeat.nodeId);
    this.assigner.kickNow();
  }

  /** A node is in trouble, or no longer. */
  troublesChanged(): void {
    this.feed.allJobsChanged();
    this.assigner.wake();
  }

  /** Called for each heartbeat. */
  heard(heartbeat: Heartbeat): void {
    const { nodeId } = heartbeat;
    const before = this.lastHeartbeats.get(nodeId);
    this.lastHeartbeats.set(nodeId, heartbeat);
    if (this.lostNodes.delete(nodeId)) this.feed.nodeChanged(nodeId);
    this.feed.heard(heartbeat, before);
    this.assigner.heard(heartbeat);
  }

  /** A node has left, or is lost. */
  gone(nodeId: NodeId, hasLeft: boolean): void {
    this.lastHeartbeats.delete(nodeId);
    if (hasLeft) this.assigner.left(nodeId);
    else this.lostNodes.set(nodeId, { sinceMs: performance.now(), isGone: false });
  }

  /** The server has answered in this moment, and heartbeats up to now are heard. */
  checked(nowMs: number, listeningSinceMs: number): void {
    for (const [nodeId, lost] of this.lostNodes) {
      if (lost.isGone || nowMs - Math.max(lost.sinceMs, listeningSinceMs) < GONE_AFTER_MS) continue;
      lost.isGone = true;
      this.feed.nodeChanged(nodeId);
      this.assigner.wake();
    }
    this.assigner.checked(nowMs, listeningSinceMs);
  }

  /** What is left of a job may matter to its slots now. Called for each result: cheap as long as it does not. */
  demandMoved(job: LiveJob): void {
    const told = this.feed.job(job.jobId);
    if (!told || told.gate) return;
    const slots = this.slotsOfJobs.get(job.jobId) ?? 0;
    const open = job.tilesOpen;
    const isBound = told.demand <= slots && open > told.demand;
    if (open >= slots && !isBound && this.gates.heldFrames(job.jobId).size === 0) return;
    this.feed.jobChanged(job.jobId);
    this.assigner.wake();
  }

  /** What a tile of a job used. Called for each result. */
  memorySeen(job: LiveJob, peakMemoryBytes: number): void {
    if (peakMemoryBytes <= job.peakMemoryBytes) return;
    job.peakMemoryBytes = peakMemoryBytes;
    if (peakMemoryBytes <= (this.feed.job(job.jobId)?.slotMemoryBytes ?? 0)) return;
    this.feed.jobChanged(job.jobId);
    this.assigner.wake();
  }

  /** A tile of the job went out that so many nodes are to leave to others. */
  tileAvoids(job: LiveJob, nodeCount: number): void {
    const told = this.feed.job(job.jobId);
    if (!told || nodeCount < told.nodesMin) return;
    this.feed.jobChanged(job.jobId);
    this.assigner.wake();
  }

  /** Nodes that are there and may be given tiles of a job. */
  workersOf(jobId: JobId): readonly NodeId[] {
    const able = this.feed.workersOf(jobId);
    const sinceMs = this.narrowSinceMs.get(jobId);
    if (sinceMs === undefined || performance.now() - sinceMs < NARROW_AFTER_MS) return able;
    const has = this.assigner.written.workersOf(jobId);
    const left = able.filter((nodeId) => has.has(nodeId));
    return left.length > 0 ? left : able;
  }

  /** See workers.ts. */
  get lacks(): ReturnType<SchedulerFeed['lackOf']> {
    return this.feed.lackOf();
  }

  /** Whether tiles of a job may be given out at all now. */
  mayFeed(jobId: JobId): boolean {
    return this.gates.mayRun(jobId);
  }

  /** Whether tiles of a frame of the job may be given out now; nothing: of all. */
  mayRender(jobId: JobId): ((frame: number) => boolean) | undefined {
    return this.gates.mayRender(jobId);
  }

  slotsOf(jobId: JobId): number {
    return this.slotsOfJobs.get(jobId) ?? 0;
  }

  /** Of all jobs. */
  get slots(): number {
    return this.slotsGiven;
  }

  private open(job: LiveJob): void {
    this.gates.opened(job);
    this.feed.jobChanged(job.jobId);
  }

  private settingsChanged(): void {
    this.assigner.gate.setPolicy(this.admin.policy().licences);
    this.feed.policyChanged();
    this.gates.lookAtAll();
    this.assigner.kick();
    this.assigner.lookAtShort();
  }

  private settled(jobIds: ReadonlySet<JobId>): void {
    let isMore = false;
    for (const jobId of jobIds) {
      const slots = this.allocator.slotsOf(jobId);
      if (slots > (this.slotsOfJobs.get(jobId) ?? 0)) isMore = true;
      this.setSlots(jobId, slots);
      const nodes = this.assigner.written.workersOf(jobId).size;
      const isNarrow = nodes > 0 && nodes < (this.feed.job(jobId)?.nodesMin ?? 0);
      if (!isNarrow) this.narrowSinceMs.delete(jobId);
      else if (!this.narrowSinceMs.has(jobId)) this.narrowSinceMs.set(jobId, performance.now());
    }
    if (isMore) this.hooks.feed();
  }

  private setSlots(jobId: JobId, slots: number): void {
    this.slotsGiven += slots - (this.slotsOfJobs.get(jobId) ?? 0);
    if (slots > 0) this.slotsOfJobs.set(jobId, slots);
    else this.slotsOfJobs.delete(jobId);
  }
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
}
