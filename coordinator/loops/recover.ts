/**
 * What is done about lost nodes: the leases of their tiles are ended at once, so that the queue gives them to others,
 * before everything else. Twice: first for what a node said it had in hand, then, when a roll call has told what all the
 * others have, for what was given to it after it had last spoken.
 *
 * The attempt stays the same, and nothing is counted against the tile: its node has failed, not the tile. Should the node
 * come back and finish, whichever result is first counts. Only a tile that agents end with again and again is taken out,
 * isolated, and at last failed (tiles-at-work.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import {
  type Delivered,
  deliveredSoFar,
  endLeases,
  type LeasedTile,
  sequenceOf,
} from '#shared/bus/end-leases.js';
import type { Hands, HeartbeatAnswer, HeldAttempt } from '#shared/bus/messages.js';
import { withdrawTiles } from '#shared/bus/withdraw-tiles.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LIMITS, TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { type QueuedTile, queuedTiles } from '../jobs/queued-tiles.js';
import { isAttemptLive, liveAttempts, setSequence } from '../jobs/tile-case.js';
import { type Instance, type Instances, type LostInstance, stillListed } from '../recovery/instances.js';
import { attemptKey, heldKey, lostTiles, type QueuedAttempt } from '../recovery/lost-tiles.js';
import { lossConsequence, tilesAtWork } from '../recovery/tiles-at-work.js';
import { publishFailure } from './reject-result.js';

const ASK_EVERY_MS = 10;
/** How long the oldest lease of a job must stand, with more leases than nodes say they have tiles, to be looked at. */
const STANDS_MS = 3_000;

/** A job to look at: which nodes were lost, as far as known, and the attempts that have been given away by name. */
interface WantedSweep {
  readonly nodeIds: Set<NodeId>;
  readonly given: Set<string>;
  /** Slots of the agents that were ended: so many tiles at most may have ended them. */
  slotsCrashed: number;
}

export class Recovery {
  private readonly farm: Farm;
  private readonly instances: Instances;
  /** The jobs that a node was told to work for: it may hold tiles of one that it has not told of yet. */
  private readonly assignedTo: (nodeId: NodeId) => Iterable<JobId>;
  /** A tile is planned anew. */
  private readonly windowMoved: () => void;
  private readonly sweepWanted = new Map<JobId, WantedSweep>();
  /** Where the oldest lease stood when tiles in nobody's hand were last given away, by job. */
  private readonly gaveAt = new Map<JobId, { readonly acknowledgedUpTo: number; readonly atMs: number }>();
  private sweeping: Promise<void> | undefined;

  constructor(
    farm: Farm,
    instances: Instances,
    assignedTo: (nodeId: NodeId) => Iterable<JobId>,
    windowMoved: () => void,
  ) {
    this.farm = farm;
    this.instances = instances;
    this.assignedTo = assignedTo;
    this.windowMoved = windowMoved;
  }

  /**
   * Nodes may have died while no coordinator listened: once others have spoken, every job is looked at. Before that
   * nobody is there to whom a tile could be given.
   */
  async sweepAfterStart(): Promise<void> {
    const { signal } = this.farm;
    await delay(TIMES.nodeLostAfterMs, undefined, { signal });
    while (this.instances.live().next().done) await delay(TIMES.heartbeatEveryMs, undefined, { signal });
    this.sweep(this.farm.jobs.liveJobs().map((job) => job.jobId));
    await this.sweeping;
  }

  /**
   * A tile that is given to a connection in the moment in which it breaks is leased and in nobody's hand, though no node
   * is lost. Looks for such ones until the farm closes.
   */
  async sweepWhatStands(): Promise<void> {
    const { signal, log } = this.farm;
    let before = new Map<JobId, number>();
    while (!signal.aborted) {
      await delay(STANDS_MS, undefined, { signal }).catch(() => undefined);
      try {
        const { now, standing } = await this.findStanding(before);
        before = now;
        if (standing.length > 0) this.sweep(standing);
      } catch (err) {
        if (!signal.aborted) log.debug({ err }, 'leases not looked at');
      }
    }
  }

  private async findStanding(before: ReadonlyMap<JobId, number>) {
    const { bus, signal, jobs } = this.farm;
    const now = new Map<JobId, number>();
    const standing: JobId[] = [];
    // Nobody could be given a tile.
    if (this.instances.live().next().done) return { now, standing };
    for (const { jobId, isEnding } of jobs.liveJobs()) {
      const delivered = isEnding ? undefined : await deliveredSoFar(bus, jobId, signal);
      if (!delivered || delivered.leased === 0) continue;
      now.set(jobId, delivered.acknowledgedUpTo);
      if (before.get(jobId) !== delivered.acknowledgedUpTo) continue;
      // A tile that was given away counts as leased until somebody takes it: it is not given away and told of again and again.
      const gave = this.gaveAt.get(jobId);
      const isWaiting =
        gave?.acknowledgedUpTo === delivered.acknowledgedUpTo &&
        performance.now() - gave.atMs < TIMES.leaseMs;
      if (!isWaiting && delivered.leased > this.instances.handsOf(jobId).held.length) standing.push(jobId);
    }
    for (const jobId of this.gaveAt.keys()) if (!now.has(jobId)) this.gaveAt.delete(jobId);
    return { now, standing };
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.sweeping;
  }

  lost({ instance, how, isCrash }: LostInstance): void {
    const { nodeId, heartbeat } = instance;
    const isOver = (jobId: JobId, frame: number, tile: number) =>
      this.farm.jobs.liveJob(jobId)?.isOver(frame, tile) ?? true;
    const atWork = isCrash ? tilesAtWork(heartbeat, isOver) : new Map<JobId, readonly HeldAttempt[]>();
    for (const { jobId, attempts } of heartbeat.inHand) {
      const job = this.farm.jobs.liveJob(jobId);
      if (!job || job.isEnding) continue;
      const { held } = this.instances.handsOf(jobId);
      const hands = { queued: queuedTiles(job), lostHands: attempts, liveHands: held, deliveredUpTo: 0 };
      const tiles = lostTiles(hands);
      const keys = tiles.map(({ frame, tile, attempt }) => attemptKey(frame, tile, attempt));
      instance.givenAway.set(jobId, new Set(keys));
      const atWorkKeys = new Set(atWork.get(jobId)?.map(heldKey));
      const isAtWork = ({ frame, tile, attempt }: QueuedAttempt) =>
        atWorkKeys.has(attemptKey(frame, tile, attempt));
      this.takeBack(job, tiles, tiles.filter(isAtWork), nodeId);
      void this.farm.events.publish({
        jobId,
        kind: 'node_lost',
        state: job.state,
        nodeId,
        message: `node ${nodeId} was lost (${how}); ${openTiles(tiles)}`,
      });
    }
    this.sweep(new Set([...heartbeat.jobIds, ...this.assignedTo(nodeId)]), instance, isCrash);
  }

  /** What a node has in hand and should not have. Nothing in the usual case, which costs one look per attempt. */
  answerTo(instance: Instance): HeartbeatAnswer | undefined {
    const over: Hands[number][] = [];
    for (const { jobId, attempts } of instance.heartbeat.inHand) {
      const job = this.farm.jobs.liveJob(jobId);
      // What belongs to no running job goes with the node's assignment.
      const useless = job ? attempts.filter(([frame, tile]) => job.isOver(frame, tile)) : [];
      if (useless.length > 0) over.push({ jobId, attempts: useless });
    }
    const taken: Hands[number][] = [];
    for (const [jobId, attempts] of stillListed(instance)) {
      const others = new Set(this.instances.handsOf(jobId, instance).held.map(heldKey));
      const elsewhere = attempts.filter((held) => others.has(heldKey(held)));
      if (elsewhere.length > 0) taken.push({ jobId, attempts: elsewhere });
    }
    return over.length + taken.length > 0 ? { over, taken } : undefined;
  }

  /**
   * Tiles that no node has any more go to others at once; those that have ended too many agents are taken out.
   * @param atWork those of them that were in a slot's thread when an agent ended.
   */
  private takeBack(
    job: LiveJob,
    tiles: readonly QueuedTile[],
    atWork: readonly QueuedTile[],
    nodeId: NodeId,
  ): void {
    const { jobId } = job;
    const kept = new Set(tiles);
    const withdrawn: LeasedTile[] = [];
    for (const one of atWork) {
      const { open, frame, tile, attempt } = one;
      // Isolated a moment ago, when its other attempt was lost.
      if (!isAttemptLive(open, tile, attempt)) continue;
      const losses = job.countLoss(open, tile);
      const consequence = lossConsequence(losses);
      if (consequence === 'goes on') continue;
      kept.delete(one);
      if (consequence === 'isolated') {
        for (const live of liveAttempts(open, tile)) withdrawn.push({ jobId, frame, tile, ...live });
        job.isolate(open, tile);
        this.tellIsolated(job, one, losses, nodeId);
        this.windowMoved();
      } else {
        withdrawn.push({ jobId, ...one });
        this.reportLoss(job, one, losses, nodeId);
      }
    }
    void this.giveAway(job, [...kept]);
    void this.withdraw(job, withdrawn);
  }

  private tellIsolated(job: LiveJob, lost: QueuedTile, losses: number, nodeId: NodeId): void {
    const { frame, tile, attempt } = lost;
    const where = { jobId: job.jobId, frame, tile, attempt, nodeId };
    const message = `${losses} agents ended while they had tile ${tile} of frame ${frame}: from now on it is rendered apart from other such tiles`;
    this.farm.log.warn({ ...where, reason: message }, 'tile isolated');
    void this.farm.events.publish({ ...where, kind: 'warning', state: job.state, message });
  }

  /** Counts as a failed attempt, which may be the tile's last one. */
  private reportLoss(job: LiveJob, lost: QueuedTile, losses: number, nodeId: NodeId): void {
    const { frame, tile, attempt } = lost;
    const reason = `${losses} agents ended while they rendered it`;
    const failure = { frame, tile, attempt, nodeId, renderer: '', reason, code: 'NODE_LOST' } as const;
    void publishFailure(this.farm, job, failure).catch((err: unknown) => {
      if (!this.farm.signal.aborted) this.farm.log.error({ jobId: job.jobId, err }, 'lost tile not reported');
    });
  }

  /** Takes messages out of the queue. */
  async withdraw(job: LiveJob, attempts: readonly LeasedTile[]): Promise<void> {
    const { bus, signal, log } = this.farm;
    try {
      await withdrawTiles(bus, attempts, signal);
    } catch (err) {
      // Whoever takes one of them renders a tile in vain, or for the first result to count.
      if (!signal.aborted) log.warn({ jobId: job.jobId, err }, 'attempts not withdrawn');
    }
  }

  private async giveAway(job: LiveJob, tiles: readonly QueuedAttempt[]): Promise<void> {
    const { bus, signal, log } = this.farm;
    const { jobId } = job;
    try {
      const leased = tiles.map(({ frame, tile, attempt, sequence }) => ({
        ...{ jobId, frame, tile, attempt, sequence },
      }));
      await endLeases(bus, jobId, leased, signal);
      if (tiles.length > 0) log.info({ jobId, tiles: tiles.length }, 'leases of lost nodes ended');
    } catch (err) {
      // They run out by themselves.
      if (!signal.aborted) log.warn({ jobId, err }, 'leases of lost nodes not ended');
    }
  }

  /** Looks, soon, for tiles of these jobs that were given to nodes which are gone and have told of them to nobody. */
  private sweep(jobIds: Iterable<JobId>, lost?: Instance, isCrash = false): void {
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? { nodeIds: new Set(), given: new Set(), slotsCrashed: 0 };
      if (lost) wanted.nodeIds.add(lost.nodeId);
      if (lost && isCrash) wanted.slotsCrashed += lost.heartbeat.slots;
      for (const key of lost?.givenAway.get(jobId) ?? []) wanted.given.add(key);
      this.sweepWanted.set(jobId, wanted);
    }
    this.sweeping ??= this.runSweeps().finally(() => {
      this.sweeping = undefined;
    });
  }

  private async runSweeps(): Promise<void> {
    const { signal, log } = this.farm;
    while (this.sweepWanted.size > 0 && !signal.aborted) {
      const wanted = new Map(this.sweepWanted);
      this.sweepWanted.clear();
      try {
        await this.sweepJobs(wanted);
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'tiles of lost nodes may wait for their leases');
      }
    }
  }

  private async sweepJobs(wanted: ReadonlyMap<JobId, WantedSweep>): Promise<void> {
    const { bus, signal, jobs } = this.farm;
    const delivered = new Map<LiveJob, Delivered>();
    for (const jobId of wanted.keys()) {
      const job = jobs.liveJob(jobId);
      const soFar = job && !job.isEnding && (await deliveredSoFar(bus, jobId, signal));
      if (soFar) delivered.set(job, soFar);
    }
    if (delivered.size === 0) return;
    bus.connection.publish(bus.names.rollCall);
    // Nobody's answer comes sooner, though a heartbeat of before may.
    const calledAtMs = performance.now() + TIMES.rollCallAnswerMs / 2;
    while (!this.instances.areHeardSince(calledAtMs)) await delay(ASK_EVERY_MS, undefined, { signal });
    const found = [...delivered].map(([job, soFar]) => this.findUntold(job, soFar, wanted.get(job.jobId)!));
    await Promise.all(found);
  }

  private async findUntold(job: LiveJob, delivered: Delivered, wanted: WantedSweep): Promise<void> {
    const { log, events } = this.farm;
    const nodeIds = [...wanted.nodeIds];
    const { jobId } = job;
    const { held, isAll } = this.instances.handsOf(jobId);
    if (!isAll || job.isEnding) return;
    const hands = {
      queued: queuedTiles(job),
      lostHands: [],
      liveHands: held,
      deliveredUpTo: delivered.streamSequence,
    };
    const untold = lostTiles(hands).filter(
      ({ frame, tile, attempt }) => !wanted.given.has(attemptKey(frame, tile, attempt)),
    );
    const tiles = await this.givenToSomebody(jobId, untold, delivered.streamSequence);
    if (tiles.length === 0 || job.isEnding) return;
    // More than are leased: results of some are on their way here. The next look tells more.
    if (nodeIds.length === 0 && tiles.length > delivered.leased) return;
    if (nodeIds.length === 0)
      this.gaveAt.set(jobId, { acknowledgedUpTo: delivered.acknowledgedUpTo, atMs: performance.now() });
    log.info({ jobId, nodeIds, tiles: tiles.length }, 'tiles are in the hand of no node');
    // What came first was begun first.
    const inOrder = tiles.toSorted((a, b) => a.sequence - b.sequence);
    if (nodeIds[0]) this.takeBack(job, tiles, inOrder.slice(0, wanted.slotsCrashed), nodeIds[0]);
    else void this.giveAway(job, tiles);
    const what =
      nodeIds.length > 0
        ? `node ${nodeIds.join(', ')} was lost; ${openTiles(tiles)}, of which it had not told yet`
        : `tiles were with a node or a connection that is gone; ${openTiles(tiles)}`;
    void events.publish({
      jobId,
      kind: 'node_lost',
      state: job.state,
      ...(nodeIds.length === 1 ? { nodeId: nodeIds[0] } : {}),
      message: what.slice(0, 1_000),
    });
  }

  /**
   * What an earlier coordinator queued has no known sequence: most of it waits in the queue still, or was given to a node
   * after it had last spoken. The stream is asked, or a restart would take tiles from nodes that are at work on them.
   */
  private async givenToSomebody(
    jobId: JobId,
    tiles: readonly QueuedTile[],
    deliveredUpTo: number,
  ): Promise<QueuedTile[]> {
    const { bus, signal } = this.farm;
    const inTurn = pLimit(LIMITS.publishWindow);
    const known = await inTurn.map(tiles, async (one) => {
      if (one.sequence > 0) return one;
      const sequence = await sequenceOf(bus, { ...one, jobId }, signal);
      setSequence(one.open, one.tile, one.attempt, sequence);
      return { ...one, sequence };
    });
    return known.filter(({ sequence }) => sequence > 0 && sequence <= deliveredUpTo);
  }
}

function openTiles(tiles: readonly unknown[]): string {
  if (tiles.length === 0) return 'the tiles that it had told of are done';
  return tiles.length === 1 ? '1 tile goes to others' : `${tiles.length} tiles go to others`;
}
