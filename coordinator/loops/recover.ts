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
import { deliveredSoFar, endLeases, type LeasedTile, sequenceOf } from '#shared/bus/end-leases.js';
import type { HeartbeatAnswer } from '#shared/bus/messages.js';
import { withdrawTiles } from '#shared/bus/withdraw-tiles.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LIMITS, TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { countLosses } from '../jobs/lost-at-work.js';
import { type IsOver, type LostHand, lostAgent, lostHands, takeFromHands } from '../jobs/lost-hands.js';
import type { QueuedTile } from '../jobs/queued-tiles.js';
import { setSequence } from '../jobs/tile-case.js';
import { type JobSweep, judgeSuspects, suspectedTiles } from '../jobs/untold-in-job.js';
import { GivenTiles } from '../recovery/given-tiles.js';
import { type Instance, type Instances, type LostInstance, toDrop } from '../recovery/instances.js';
import type { QueuedAttempt } from '../recovery/lost-tiles.js';
import type { LostAgent } from '../recovery/untold-tiles.js';
import { queueLook, watchStandingLeases } from './standing-leases.js';
import { tellLosses } from './tell-losses.js';

const ASK_EVERY_MS = 10;
/** Of the nodes that are lost together with tiles of a job. */
const NODES_TOLD_MAX = 16;

export class Recovery {
  private readonly farm: Farm;
  private readonly instances: Instances;
  /** The jobs that a node was told to work for: it may hold tiles of one that it has not told of yet. */
  private readonly assignedTo: (nodeId: NodeId) => Iterable<JobId>;
  /** A tile is planned anew. */
  private readonly windowMoved: () => void;
  /** Jobs to look through, and the agents that were lost with tiles of them, as far as known. */
  private readonly sweepWanted = new Map<JobId, LostAgent[]>();
  private readonly given = new GivenTiles();
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
    const { instances, given } = this;
    await watchStandingLeases(this.farm, { instances, given, found: (jobIds) => this.sweep(jobIds) });
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.sweeping;
  }

  /** Agents that are lost together: each job is looked through once, or a thousand of them would take many seconds. */
  lost(lost: readonly LostInstance[]): void {
    const isOver: IsOver = (jobId, [frame, tile, attempt]) =>
      this.farm.jobs.liveJob(jobId)?.isOver(frame, tile, attempt) ?? true;
    const nowMs = performance.now();
    // They may have had tiles of jobs that they were to leave, too: the next look at what stands finds them.
    this.given.agentLost(nowMs);
    const agents = lost.map((one) => lostAgent(one, isOver, nowMs));
    for (const [jobId, hands] of lostHands(lost, isOver)) {
      const job = this.farm.jobs.liveJob(jobId);
      if (job && !job.isEnding) this.takeFromLost(job, hands);
    }
    for (const [index, { instance }] of lost.entries()) {
      const { nodeId, heartbeat } = instance;
      this.want(new Set([...heartbeat.jobIds, ...this.assignedTo(nodeId)]), agents[index]);
    }
    this.sweepWantedJobs();
  }

  private takeFromLost(job: LiveJob, hands: readonly LostHand[]): void {
    const kept: QueuedTile[] = [];
    const withdrawn: LeasedTile[] = [];
    for (const { hand, tiles, atWork } of takeFromHands(job, hands, this.instances.handsOf(job.jobId).held)) {
      const counted = this.countLosses(job, tiles, atWork, hand.instance.nodeId);
      kept.push(...counted.kept);
      withdrawn.push(...counted.out);
    }
    void this.giveAway(job, kept);
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
    this.given.give(jobId, tiles, performance.now());
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

  private want(jobIds: Iterable<JobId>, lost?: LostAgent): void {
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? [];
      if (lost) wanted.push(lost);
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

  private async sweepJobs(wanted: ReadonlyMap<JobId, readonly LostAgent[]>): Promise<void> {
    const { bus, signal, jobs } = this.farm;
    const sweeps: JobSweep[] = [];
    for (const [jobId, lost] of wanted) {
      const job = jobs.liveJob(jobId);
      const lookedAtMs = performance.now();
      const look = job && !job.isEnding && (await deliveredSoFar(bus, jobId, signal));
      if (look) sweeps.push({ job, look: queueLook(look), lookedAtMs, lost, given: this.given });
    }
    if (sweeps.length === 0) return;
    bus.connection.publish(bus.names.rollCall);
    // Nobody's answer comes sooner, though a heartbeat of before may.
    const calledAtMs = performance.now() + TIMES.rollCallAnswerMs / 2;
    while (!this.instances.areHeardSince(calledAtMs)) await delay(ASK_EVERY_MS, undefined, { signal });
    await Promise.all(sweeps.map((sweep) => this.findUntold(sweep)));
  }

  private async findUntold(sweep: JobSweep): Promise<void> {
    const { job, lost } = sweep;
    const { jobId } = job;
    const { held, isAll } = this.instances.handsOf(jobId);
    if (!isAll || job.isEnding) return;
    const suspects = await this.withSequences(jobId, suspectedTiles(sweep, held));
    if (job.isEnding) return;
    const { gone, unsure, atWork } = judgeSuspects(sweep, suspects, performance.now());
    const nodeIds = [...new Set(lost.map(({ nodeId }) => nodeId))];
    if (gone.length + unsure.length > 0)
      this.farm.log.info(
        { jobId, nodeIds, tiles: gone.length, maybeWaiting: unsure.length },
        'tiles are in the hand of no node',
      );
    void this.giveAway(job, unsure);
    if (gone.length === 0) return;
    if (nodeIds[0]) this.takeBack(job, gone, atWork, nodeIds[0]);
    else void this.giveAway(job, gone);
    const what =
      nodeIds.length > 0
        ? `node ${nodeIds.join(', ')} was lost; ${openTiles(gone)}, of which it had not told yet`
        : `tiles were with a node or a connection that is gone; ${openTiles(gone)}`;
    void this.farm.events.publish({
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
  private async withSequences(jobId: JobId, tiles: readonly QueuedTile[]): Promise<QueuedTile[]> {
    const { bus, signal } = this.farm;
    const inTurn = pLimit(LIMITS.publishWindow);
    return inTurn.map(tiles, async (one) => {
      if (one.sequence > 0) return one;
      const sequence = await sequenceOf(bus, { ...one, jobId }, signal);
      setSequence(one.open, one.tile, one.attempt, sequence);
      return { ...one, sequence };
    });
  }
}

function openTiles(tiles: readonly unknown[]): string {
  if (tiles.length === 0) return 'the tiles that it had told of are done';
  return tiles.length === 1 ? '1 tile goes to others' : `${tiles.length} tiles go to others`;
}
