/**
 * What is done about lost nodes: the leases of their tiles are ended at once, so that the queue gives them to others,
 * before everything else. Twice: first for what a node said it had in hand, then, when a roll call has told what all the
 * others have, for what was given to it after it had last spoken.
 *
 * The attempt stays the same, and nothing is counted against the tile: its node has failed, not the tile. Should the node
 * come back and finish, whichever result is first counts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { deliveredSoFar, endLeases } from '#shared/bus/end-leases.js';
import type { Hands, HeartbeatAnswer } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import { type Instance, type Instances, type LostInstance, stillListed } from '../recovery/instances.js';
import { attemptKey, heldKey, lostTiles, type QueuedAttempt } from '../recovery/lost-tiles.js';

const ASK_EVERY_MS = 10;

/** A job to look at: which nodes were lost, as far as known, and the attempts that have been given away by name. */
interface WantedSweep {
  readonly nodeIds: Set<NodeId>;
  readonly given: Set<string>;
}

export class Recovery {
  private readonly farm: Farm;
  private readonly instances: Instances;
  private readonly sweepWanted = new Map<JobId, WantedSweep>();
  private sweeping: Promise<void> | undefined;

  constructor(farm: Farm, instances: Instances) {
    this.farm = farm;
    this.instances = instances;
  }

  /** Nodes may have died while no coordinator listened: once the others have spoken, every job is looked at. */
  async sweepAfterStart(): Promise<void> {
    await delay(TIMES.nodeLostAfterMs, undefined, { signal: this.farm.signal });
    this.sweep(this.farm.jobs.liveJobs().map((job) => job.jobId));
    await this.sweeping;
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.sweeping;
  }

  lost({ instance, how }: LostInstance): void {
    const { nodeId, heartbeat } = instance;
    for (const { jobId, attempts } of heartbeat.inHand) {
      const job = this.farm.jobs.liveJob(jobId);
      if (!job || job.isEnding) continue;
      const { held } = this.instances.handsOf(jobId);
      const hands = { queued: queuedTiles(job), lostHands: attempts, liveHands: held, deliveredUpTo: 0 };
      const tiles = lostTiles(hands);
      const keys = tiles.map(({ frame, tile, attempt }) => attemptKey(frame, tile, attempt));
      instance.givenAway.set(jobId, new Set(keys));
      void this.giveAway(job, tiles);
      void this.farm.events.publish({
        jobId,
        kind: 'node_lost',
        state: job.state,
        nodeId,
        message: `node ${nodeId} was lost (${how}); ${openTiles(tiles)}`,
      });
    }
    this.sweep(heartbeat.jobIds, instance);
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
  private sweep(jobIds: Iterable<JobId>, lost?: Instance): void {
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? { nodeIds: new Set(), given: new Set() };
      if (lost) wanted.nodeIds.add(lost.nodeId);
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
    const deliveredUpTo = new Map<LiveJob, number>();
    for (const jobId of wanted.keys()) {
      const job = jobs.liveJob(jobId);
      const delivered = job && !job.isEnding && (await deliveredSoFar(bus, jobId, signal));
      if (delivered) deliveredUpTo.set(job, delivered.streamSequence);
    }
    if (deliveredUpTo.size === 0) return;
    bus.connection.publish(bus.names.rollCall);
    // Nobody's answer comes sooner, though a heartbeat of before may.
    const calledAtMs = performance.now() + TIMES.rollCallAnswerMs / 2;
    while (!this.instances.areHeardSince(calledAtMs)) await delay(ASK_EVERY_MS, undefined, { signal });
    for (const [job, upTo] of deliveredUpTo) this.findUntold(job, upTo, wanted.get(job.jobId)!);
  }

  private findUntold(job: LiveJob, deliveredUpTo: number, wanted: WantedSweep): void {
    const { log, events } = this.farm;
    const nodeIds = [...wanted.nodeIds];
    const { jobId } = job;
    const { held, isAll } = this.instances.handsOf(jobId);
    if (!isAll || job.isEnding) return;
    const hands = { queued: queuedTiles(job), lostHands: [], liveHands: held, deliveredUpTo };
    const tiles = lostTiles(hands).filter(
      ({ frame, tile, attempt }) => !wanted.given.has(attemptKey(frame, tile, attempt)),
    );
    if (tiles.length === 0) return;
    log.info({ jobId, nodeIds, tiles: tiles.length }, 'tiles are in the hand of no node');
    void this.giveAway(job, tiles);
    const who = nodeIds.length > 0 ? nodeIds.join(', ') : 'that nobody has heard of since the start';
    void events.publish({
      jobId,
      kind: 'node_lost',
      state: job.state,
      ...(nodeIds.length === 1 ? { nodeId: nodeIds[0] } : {}),
      message: `node ${who} was lost; ${openTiles(tiles)}, of which it had not told yet`.slice(0, 1_000),
    });
  }
}

function openTiles(tiles: readonly unknown[]): string {
  if (tiles.length === 0) return 'the tiles that it had told of are done';
  return tiles.length === 1 ? '1 tile goes to others' : `${tiles.length} tiles go to others`;
}
