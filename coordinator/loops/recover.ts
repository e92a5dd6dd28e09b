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
import type { HeartbeatAnswer, HeldAttempt } from '#shared/bus/messages.js';
import { withdrawTiles } from '#shared/bus/withdraw-tiles.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LIMITS, TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { countLosses } from '../jobs/lost-at-work.js';
import { type QueuedTile, queuedTiles } from '../jobs/queued-tiles.js';
import { isAttemptLive, setSequence } from '../jobs/tile-case.js';
import { type Instance, type Instances, type LostInstance, toDrop } from '../recovery/instances.js';
import {
  attemptKey,
  heldKey,
  lostTiles,
  type QueuedAttempt,
  tilesOfLostNodes,
} from '../recovery/lost-tiles.js';
import { tilesAtWork } from '../recovery/tiles-at-work.js';
import { type GivenAt, watchStandingLeases } from './standing-leases.js';
import { tellLosses } from './tell-losses.js';

const ASK_EVERY_MS = 10;
/** Of the nodes that are lost together with tiles of a job. */
const NODES_TOLD_MAX = 16;

/** What an agent that is lost had in hand of a job. */
interface LostHand {
  readonly instance: Instance;
  readonly how: string;
  readonly attempts: readonly HeldAttempt[];
  /** Keys of those that were in a slot's thread when something ended it. */
  readonly atWork: ReadonlySet<string>;
}

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
  private readonly gaveAt: GivenAt = new Map();
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

  /** Looks for tiles that are in nobody's hand, though no node is lost, until the farm closes. */
  async sweepWhatStands(): Promise<void> {
    const { instances, gaveAt } = this;
    await watchStandingLeases(this.farm, { instances, gaveAt, found: (jobIds) => this.sweep(jobIds) });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.sweeping;
  }

  /** Agents that are lost together: each job is looked through once, or a thousand of them would take many seconds. */
  lost(lost: readonly LostInstance[]): void {
    const isOver = (jobId: JobId, [frame, tile, attempt]: HeldAttempt) =>
      this.farm.jobs.liveJob(jobId)?.isOver(frame, tile, attempt) ?? true;
    const byJob = new Map<JobId, LostHand[]>();
    for (const { instance, how, isCrash } of lost) {
      const { heartbeat } = instance;
      const atWork = isCrash ? tilesAtWork(heartbeat, isOver) : undefined;
      for (const { jobId, attempts } of heartbeat.inHand) {
        const hands = byJob.get(jobId) ?? [];
        byJob.set(jobId, hands);
        hands.push({ instance, how, attempts, atWork: new Set(atWork?.get(jobId)?.map(heldKey)) });
      }
    }
    for (const [jobId, hands] of byJob) {
      const job = this.farm.jobs.liveJob(jobId);
      if (job && !job.isEnding) this.takeFromLost(job, hands);
    }
    for (const { instance, isCrash } of lost) {
      const { nodeId, heartbeat } = instance;
      this.want(new Set([...heartbeat.jobIds, ...this.assignedTo(nodeId)]), instance, isCrash);
    }
    // They may have had tiles of jobs that they were to leave: the next look at what stands finds them.
    this.gaveAt.clear();
    this.sweepWantedJobs();
  }

  private takeFromLost(job: LiveJob, hands: readonly LostHand[]): void {
    const { jobId } = job;
    const tilesOf = tilesOfLostNodes(queuedTiles(job), this.instances.handsOf(jobId).held);
    const given: QueuedTile[] = [];
    const withdrawn: LeasedTile[] = [];
    for (const { instance, attempts, atWork } of hands) {
      const tiles = tilesOf(attempts);
      const keys = tiles.map(({ frame, tile, attempt }) => attemptKey(frame, tile, attempt));
      instance.givenAway.set(jobId, new Set(keys));
      const wasAtWork = tiles.filter((_, index) => atWork.has(keys[index]!));
      const { kept, out } = this.countLosses(job, tiles, wasAtWork, instance.nodeId);
      given.push(...kept);
      withdrawn.push(...out);
    }
    void this.giveAway(job, given);
    void this.withdraw(job, withdrawn);
    this.tellLost(job, hands);
  }

  /** A node at a time, but for so many that nobody would read it. */
  private tellLost(job: LiveJob, hands: readonly LostHand[]): void {
    const { jobId } = job;
    const tell = (message: string, nodeId?: NodeId) =>
      void this.farm.events.publish({
        ...{ jobId, kind: 'node_lost', state: job.state, message },
        ...(nodeId === undefined ? {} : { nodeId }),
      });
    const givenBy = ({ instance }: LostHand) => [...(instance.givenAway.get(jobId) ?? [])];
    if (hands.length <= NODES_TOLD_MAX) {
      for (const hand of hands) {
        const { nodeId } = hand.instance;
        tell(`node ${nodeId} was lost (${hand.how}); ${openTiles(givenBy(hand))}`, nodeId);
      }
      return;
    }
    const some = hands.slice(0, NODES_TOLD_MAX).map(({ instance }) => instance.nodeId);
    const names = some.join(', ').slice(0, 800);
    tell(
      `${hands.length} nodes were lost together (${hands[0]!.how}); ${openTiles(hands.flatMap(givenBy))}; some of the nodes: ${names}`,
    );
  }

  /** What a node is to be told to drop, if anything. */
  answerTo(instance: Instance): HeartbeatAnswer | undefined {
    return toDrop(
      this.instances,
      instance,
      (jobId, frame, tile) => this.farm.jobs.liveJob(jobId)?.isOver(frame, tile) ?? false,
    );
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
    const { kept, out } = this.countLosses(job, tiles, atWork, nodeId);
    void this.giveAway(job, kept);
    void this.withdraw(job, out);
  }

  /** @returns the tiles that go to others, and the attempts that are to be taken out of the queue. */
  private countLosses(
    job: LiveJob,
    tiles: readonly QueuedTile[],
    atWork: readonly QueuedTile[],
    nodeId: NodeId,
  ): { kept: readonly QueuedTile[]; out: readonly LeasedTile[] } {
    const losses = countLosses(job, tiles, atWork);
    const out = tellLosses(this.farm, job, losses, nodeId);
    if (losses.isolated.length > 0) this.windowMoved();
    return { kept: losses.kept, out };
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
  private sweep(jobIds: Iterable<JobId>): void {
    this.want(jobIds);
    this.sweepWantedJobs();
  }

  private want(jobIds: Iterable<JobId>, lost?: Instance, isCrash = false): void {
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? { nodeIds: new Set(), given: new Set(), slotsCrashed: 0 };
      if (lost) wanted.nodeIds.add(lost.nodeId);
      if (lost && isCrash) wanted.slotsCrashed += lost.heartbeat.slots;
      for (const key of lost?.givenAway.get(jobId) ?? []) wanted.given.add(key);
      this.sweepWanted.set(jobId, wanted);
    }
  }

  private sweepWantedJobs(): void {
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
    const isUntold = ({ frame, tile, attempt }: QueuedAttempt) => {
      const key = attemptKey(frame, tile, attempt);
      // A node that was lost while this was under way: one loss counts once.
      return !wanted.given.has(key) && !this.sweepWanted.get(jobId)?.given.has(key);
    };
    const untold = lostTiles(hands).filter(isUntold);
    const given = await this.givenToSomebody(jobId, untold, delivered.streamSequence);
    // Its frame may have ended meanwhile.
    const isStillLive = ({ open, tile, attempt }: QueuedTile) =>
      open.state === 'rendering' && isAttemptLive(open, tile, attempt);
    const tiles = given.filter((one) => isUntold(one) && isStillLive(one));
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
