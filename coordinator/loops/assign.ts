/**
 * Turns what the allocator decides into assignments in the bucket, and writes only what has changed: at once after a quiet
 * time, else every `PAUSE_MS`. A lost node keeps its assignment: it may merely be slow, and must not abort its tiles for
 * that. Licences alone go further (scheduling/licence-gate.ts): what they allow is written when it is known to be free.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment, Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { Allocator } from '../scheduling/allocator.js';
import { FENCED_AFTER_MS, type GatedSlots, LicenceGate } from '../scheduling/licence-gate.js';
import { isFinishingOver, nextAssignment } from '../scheduling/next-assignment.js';
import { AssignmentBucket, type StoredAssignment } from './assignment-bucket.js';
import { NodeOrders } from './node-orders.js';
import type { KnownNode } from './nodes.js';
import type { SchedulerFeed } from './scheduler-feed.js';
import { textOf, WrittenAssignments } from './written-assignments.js';

export interface AssignerHooks {
  findNode(nodeId: NodeId): KnownNode | undefined;
  /** Something may have changed: whoever judges nodes wants to look as well. */
  kicked(): void;
  /** Before each allocation for which nodes or jobs came, went or are others. */
  looked(): void;
  /** Slots are as decided; jobs that may have another number of them, or another demand. */
  settled(jobIds: ReadonlySet<JobId>): void;
  /** @returns when time alone changes something, by `performance.now()`. */
  nextChangeAtMs(): number | undefined;
  /** That time has come. */
  timeChanged(): void;
}

/** Changes come in bursts: nodes that start, results at the end of a job. Far less than anybody waits for a slot. */
const PAUSE_MS = 50;
/** Puts that travel together. */
const WRITTEN_AT_ONCE = 64;
/** After a start, nodes that were at work answer a roll call before what they had is given to others. */
const ANSWERS_MS_MAX = 1_500;
const ANSWERS_LOOK_MS = 20;
/** Timers end at 24.8 days, and a clock may be set. */
const TIMER_MS_MAX = 60_000;
/** In which an agent looks at a bucket that was made anew. */
const AGENT_LOOKS_MS = 4_000;

export class Assigner {
  readonly written = new WrittenAssignments();
  readonly gate: LicenceGate;
  private readonly farm: Farm;
  private readonly feed: SchedulerFeed;
  private readonly allocator: Allocator;
  private readonly hooks: AssignerHooks;
  private readonly bucket: AssignmentBucket;
  private readonly orders: NodeOrders;
  /** Nodes to be looked at in the next round, whether or not their slots change. */
  private readonly due = new Set<NodeId>();
  /** Nodes that are to have more of a licence than is free. */
  private readonly short = new Set<NodeId>();
  /** Nodes whose licences go to others, since nothing is heard of them. */
  private readonly silent = new Set<NodeId>();
  /** Nodes that are to be told even what is written already. */
  private readonly astray = new Set<NodeId>();
  private isStructural = false;
  private isForced = false;
  private trustedFromMs = 0;
  private isOpen = false;
  private isDue = false;
  /** Not to wait for the end of a pause. */
  private isUrgent = false;
  private running: Promise<void> | undefined;
  private endedAtMs = Number.NEGATIVE_INFINITY;
  private soon: NodeJS.Timeout | undefined;
  private later: NodeJS.Timeout | undefined;
  private opening: NodeJS.Timeout | undefined;

  constructor(farm: Farm, feed: SchedulerFeed, allocator: Allocator, hooks: AssignerHooks) {
    this.farm = farm;
    this.feed = feed;
    this.allocator = allocator;
    this.hooks = hooks;
    this.gate = new LicenceGate((jobId) => farm.jobs.licencesOf(jobId));
    this.bucket = new AssignmentBucket(farm);
    this.orders = new NodeOrders({
      ...{ farm, feed, allocator, written: this.written },
      isWithoutLicences: (nodeId) => this.isWithoutLicences(nodeId),
    });
  }

  /** Reads what an earlier run assigned, and takes ended jobs out of it at once: their nodes may not have spoken yet. */
  async start(): Promise<void> {
    const stored = await this.bucket.open();
    const nowMs = performance.now();
    const over: NodeId[] = [];
    for (const { nodeId, assignment, revision } of stored) {
      this.written.set(nodeId, assignment ?? NO_JOBS, revision);
      if (assignment) this.adopt(nodeId, assignment, revision, nowMs);
      const isLive = ({ jobId }: { jobId: JobId }) => this.farm.jobs.liveJob(jobId) !== undefined;
      if (!assignment || ![...assignment.jobs, ...(assignment.finishing ?? [])].every(isLive))
        over.push(nodeId);
    }
    const isCounted = ({ record }: { record: { schedule: { licences: readonly string[] } } }) =>
      record.schedule.licences.length > 0;
    if (this.farm.jobs.liveJobs().some(isCounted)) {
      // Where nothing is written down, a node that is cut off may hold anything until it has ended it by itself.
      const waitMs = stored.length > 0 ? TIMES.nodeLostAfterMs : FENCED_AFTER_MS;
      this.gate.closeUntil(nowMs + waitMs);
      this.opening = setTimeout(() => this.lookAtShort(), waitMs + PAUSE_MS).unref();
    }
    await this.writeNodes(over, true);
    void this.resume(stored).catch((err: unknown) => {
      if (!this.farm.signal.aborted) this.farm.log.error({ err }, 'assignments of before not taken over');
    });
  }

  async stop(): Promise<void> {
    clearTimeout(this.soon);
    clearTimeout(this.later);
    clearTimeout(this.opening);
    await this.running;
  }

  /** See assignment-bucket.ts. */
  isOverwritten(): Promise<boolean> {
    return this.bucket.isOverwritten();
  }

  /** The jobs of which a node may have tiles, as it was told last. */
  assignedTo(nodeId: NodeId): Iterable<JobId> {
    return this.written.jobsOf(nodeId);
  }

  /** The bucket was made anew, or is not as we left it. */
  writeAll(): void {
    this.isForced = true;
    this.trustedFromMs = performance.now() + AGENT_LOOKS_MS;
    this.wake();
  }

  /** A job or a node came or went, or a node may work for other jobs than before. Cheap. */
  kick(): void {
    this.hooks.kicked();
    this.isStructural = true;
    this.wake();
  }

  /** A node is blamed, which fails a tile every few milliseconds until it is told. */
  kickNow(): void {
    this.isUrgent = true;
    clearTimeout(this.soon);
    this.soon = undefined;
    this.kick();
  }

  /** A job has ended: nodes that finish tiles of it are told at once, too. */
  jobEnded(jobId: JobId): void {
    for (const nodeId of this.written.nodesOf(jobId)) this.due.add(nodeId);
    this.feed.jobChanged(jobId);
    this.kick();
  }

  /** What was told to the feed is to be decided upon. Cheap. */
  wake(): void {
    this.isDue = true;
    if (!this.isOpen || this.running || this.soon || this.farm.signal.aborted) return;
    const waitMs = this.isUrgent ? 0 : Math.max(0, this.endedAtMs + PAUSE_MS - performance.now());
    this.soon = setTimeout(() => {
      this.soon = undefined;
      this.isUrgent = false;
      this.running = this.run().finally(() => {
        this.running = undefined;
        if (this.isDue) this.wake();
      });
    }, waitMs);
    this.soon.unref();
  }

  /** A node has spoken. Called for each heartbeat. */
  heard(heartbeat: Heartbeat): void {
    const { nodeId } = heartbeat;
    if (this.gate.heard(heartbeat, performance.now())) this.lookAtShort();
    const written = this.written.get(nodeId);
    if (written && isFinishingOver(written, heartbeat)) this.look(nodeId);
    if (this.isAstray(heartbeat)) {
      this.astray.add(nodeId);
      this.look(nodeId);
    }
    if (!this.silent.delete(nodeId)) return;
    this.feed.nodeChanged(nodeId);
    this.look(nodeId);
  }

  /** It said goodbye: nothing of it renders any more. */
  left(nodeId: NodeId): void {
    this.gate.left(nodeId);
  }

  /** The server has answered in this moment, and heartbeats up to now are heard. */
  checked(nowMs: number, listeningSinceMs: number): void {
    const { take, isFreed } = this.gate.check(nowMs, listeningSinceMs);
    for (const nodeId of take) {
      if (this.silent.has(nodeId)) continue;
      this.silent.add(nodeId);
      this.farm.log.warn({ nodeId }, 'licences of a silent node go to others');
      this.feed.nodeChanged(nodeId);
      this.look(nodeId);
    }
    if (isFreed) this.lookAtShort();
  }

  /** Whether a node is to have no licences: nothing is heard of it, or nothing that would say when it gives one back. */
  isWithoutLicences(nodeId: NodeId): boolean {
    if (this.silent.has(nodeId)) return true;
    const node = this.hooks.findNode(nodeId);
    return node !== undefined && node.heartbeat.assignmentRevision === undefined;
  }

  /** Whether a node works by an assignment without jobs, and has nothing in hand. */
  isOut({ nodeId, inHand, inHandLeftOut, assignmentRevision }: Heartbeat): boolean {
    const written = this.written.get(nodeId);
    if (inHandLeftOut > 0 || inHand.some(({ attempts }) => attempts.length > 0)) return false;
    if (!written) return true;
    const isCurrent = assignmentRevision === undefined || assignmentRevision === written.revision;
    return (
      isCurrent && written.assignment.jobs.length === 0 && this.allocator.assignmentOf(nodeId).size === 0
    );
  }

  /** Tokens of licences may be there that were not. */
  lookAtShort(): void {
    for (const nodeId of this.short) this.due.add(nodeId);
    if (this.short.size > 0) this.wake();
  }

  /** Whether a node works by a write that nobody knows: JetStream lost it while there was no coordinator. */
  private isAstray({ nodeId, assignmentRevision = 0 }: Heartbeat): boolean {
    if (this.bucket.isWriting || performance.now() < this.trustedFromMs) return false;
    return assignmentRevision > (this.written.get(nodeId)?.revision ?? 0);
  }

  private look(nodeId: NodeId): void {
    this.due.add(nodeId);
    this.wake();
  }

  private adopt(nodeId: NodeId, earlier: Assignment, revision: number, nowMs: number): void {
    const { jobs, unconfirmed, finishing } = earlier;
    const allowed = jobs.map(({ jobId, slots, slotsMax }) => ({ jobId, slots: slotsMax ?? slots }));
    this.gate.adopt(nodeId, { allowed, unconfirmed: unconfirmed ?? [], finishing }, revision, nowMs);
  }

  /** Who works goes on with what he has, once he has said that he is there. */
  private async resume(stored: readonly StoredAssignment[]): Promise<void> {
    const { bus, signal } = this.farm;
    const atWork = stored.filter(({ assignment }) => assignment && assignment.jobs.length > 0);
    const untilMs = performance.now() + ANSWERS_MS_MAX;
    if (atWork.length > 0) bus.connection.publish(bus.names.rollCall);
    const isMissing = ({ nodeId }: StoredAssignment) => this.hooks.findNode(nodeId) === undefined;
    while (atWork.some(isMissing) && performance.now() < untilMs && !signal.aborted)
      await delay(ANSWERS_LOOK_MS, undefined, { signal }).catch(() => undefined);
    this.feed.flush();
    const before = atWork.map(({ nodeId, assignment }) => {
      const slots = assignment!.jobs.map((job) => [job.jobId, job.slots] as const);
      return [nodeId, new Map(slots)] as const;
    });
    this.allocator.restore(new Map(before));
    this.isOpen = true;
    this.kick();
  }

  private async run(): Promise<void> {
    this.isDue = false;
    try {
      await this.round();
    } catch (err) {
      // Nobody knows which of them were.
      this.isForced = true;
      if (!this.farm.signal.aborted) this.farm.log.error({ err }, 'assignments not written');
    }
    this.endedAtMs = performance.now();
    this.wakeLater();
  }

  private async round(): Promise<void> {
    if (this.isStructural) {
      this.isStructural = false;
      this.hooks.looked();
    }
    const jobs = new Set(this.feed.flush());
    const changed = new Set(this.allocator.settle().changedNodes);
    for (const jobId of this.jobsOn(changed)) {
      jobs.add(jobId);
      this.feed.settled(jobId);
    }
    // What is left of a job may be less than it has got slots for.
    if (this.feed.hasChanges) {
      for (const jobId of this.feed.flush()) jobs.add(jobId);
      for (const nodeId of this.allocator.settle().changedNodes) changed.add(nodeId);
      for (const jobId of this.jobsOn(changed)) jobs.add(jobId);
    }
    for (const nodeId of this.due) changed.add(nodeId);
    this.due.clear();
    const isForced = this.isForced;
    this.isForced = false;
    if (isForced) for (const nodeId of [...this.written.nodes(), ...this.feed.nodeIds()]) changed.add(nodeId);
    for (const jobId of this.feed.takeRecapped())
      for (const nodeId of this.written.workersOf(jobId)) changed.add(nodeId);
    await this.writeNodes(changed, isForced);
    this.hooks.settled(jobs);
  }

  /** Jobs that nodes had or have. */
  private *jobsOn(nodeIds: Iterable<NodeId>): Generator<JobId> {
    for (const nodeId of nodeIds) {
      yield* this.written.jobsOf(nodeId);
      yield* this.allocator.assignmentOf(nodeId).keys();
    }
  }

  private async writeNodes(nodeIds: Iterable<NodeId>, isForced: boolean): Promise<void> {
    let batch: [NodeId, Assignment][] = [];
    for (const nodeId of nodeIds) {
      const next = this.nextOf(nodeId, isForced);
      if (next) batch.push([nodeId, next]);
      if (batch.length < WRITTEN_AT_ONCE) continue;
      await this.write(batch);
      batch = [];
    }
    await this.write(batch);
  }

  private async write(batch: readonly (readonly [NodeId, Assignment])[]): Promise<void> {
    const revisions = await this.bucket.write(batch);
    const nowMs = performance.now();
    for (const [index, [nodeId, assignment]] of batch.entries()) {
      const revision = revisions[index]!;
      this.written.set(nodeId, assignment, revision);
      this.gate.written(nodeId, revision, nowMs, this.trustedFromMs);
      const jobIds = assignment.jobs.map(({ jobId }) => jobId);
      this.feed.assigned(nodeId, jobIds);
      this.farm.log.debug({ nodeId, jobs: jobIds.length, revision }, 'assignment written');
    }
  }

  /** @returns nothing where the node is told that already. */
  private nextOf(nodeId: NodeId, isForced: boolean): Assignment | undefined {
    const before = this.written.get(nodeId);
    const nowMs = performance.now();
    const wanted = this.orders.wantedOf(nodeId);
    const permitted = this.gate.permit(nodeId, wanted, nowMs);
    if (wanted.some(({ slots }, index) => permitted[index]! < slots)) this.short.add(nodeId);
    else this.short.delete(nodeId);
    const given = wanted.map((one, index) => {
      const slots = permitted[index]!;
      return { ...one, slots, ...(slots < one.slots && { slotsMax: slots }) };
    });
    const next = nextAssignment({
      before,
      wanted: given,
      heartbeat: this.hooks.findNode(nodeId)?.heartbeat,
      isOver: this.orders.overOn(nodeId, given),
    });
    const text = textOf(next);
    const isAstray = this.astray.delete(nodeId);
    if (before?.text === text && !isForced && !isAstray) return undefined;
    if (!before && next.jobs.length === 0 && !isAstray && !this.silent.has(nodeId)) return undefined;
    const gated: GatedSlots[] = next.jobs.map(({ jobId, slots, slotsMax }) => ({
      jobId,
      slots: slotsMax ?? slots,
    }));
    this.gate.writing(nodeId, gated, nowMs, next.finishing);
    const unconfirmed = this.gate.unconfirmedOf(nodeId, gated);
    return unconfirmed.length > 0 ? { ...next, unconfirmed: [...unconfirmed] } : next;
  }

  private wakeLater(): void {
    clearTimeout(this.later);
    const atMs = this.hooks.nextChangeAtMs();
    if (atMs === undefined || this.farm.signal.aborted) return;
    const waitMs = Math.min(TIMER_MS_MAX, Math.max(PAUSE_MS, atMs - performance.now()));
    this.later = setTimeout(() => {
      this.hooks.timeChanged();
      this.wake();
    }, waitMs);
    this.later.unref();
  }
}

const NO_JOBS: Assignment = { jobs: [] };
