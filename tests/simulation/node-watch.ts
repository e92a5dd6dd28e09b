/** Which agents are there, and what follows for their tiles when one is not: the order of nodes.ts and recover.ts. */

import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { countLosses } from '#coordinator/jobs/lost-at-work.js';
import { type QueuedTile, queuedTiles } from '#coordinator/jobs/queued-tiles.js';
import { isAttemptLive, setSequence } from '#coordinator/jobs/tile-case.js';
import { type Instance, Instances, type LostInstance, toDrop } from '#coordinator/recovery/instances.js';
import { attemptKey, heldKey, lostTiles, type QueuedAttempt } from '#coordinator/recovery/lost-tiles.js';
import { tilesAtWork } from '#coordinator/recovery/tiles-at-work.js';
import type { Heartbeat, HeartbeatAnswer, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { nextJobState } from '#shared/state/job-state.js';
import type { SimCoordinator } from './sim-coordinator.js';
import type { Delivered } from './tile-queue.js';

const CHECK_EVERY_MS = 250;
const ASK_EVERY_MS = 10;
const STANDS_MS = 3_000;

export interface HeardNode {
  readonly heartbeat: Heartbeat;
  readonly state: 'ready' | 'draining' | 'lost';
}

interface WantedSweep {
  readonly nodeIds: Set<NodeId>;
  readonly given: Set<string>;
  slotsCrashed: number;
}

export class NodeWatch {
  readonly instances = new Instances();
  readonly nodes = new Map<NodeId, HeardNode>();
  private readonly coordinator: SimCoordinator;
  private readonly listeningSinceMs: number;
  private sweepWanted = new Map<JobId, WantedSweep>();
  private isSweeping = false;
  /** Where the oldest lease stood, by job: at the last look, and when tiles in nobody's hand were last given away. */
  private stood = new Map<JobId, number>();
  private readonly gaveAt = new Map<JobId, { readonly acknowledgedUpTo: number; readonly atMs: number }>();

  constructor(coordinator: SimCoordinator) {
    this.coordinator = coordinator;
    this.listeningSinceMs = coordinator.world.time.nowMs;
  }

  start(): void {
    const { coordinator } = this;
    coordinator.world.time.every(CHECK_EVERY_MS, () => {
      if (coordinator.isAlive) this.findLost();
      return coordinator.isAlive;
    });
    coordinator.after(TIMES.nodeLostAfterMs, () => this.sweepAfterStart());
    coordinator.world.time.every(STANDS_MS, () => {
      if (coordinator.isAlive) coordinator.call(() => this.sweepWhatStands());
      return coordinator.isAlive;
    });
  }

  private sweepAfterStart(): void {
    const { coordinator } = this;
    if (this.isAnybodyThere()) this.sweep(coordinator.jobs.keys());
    else coordinator.after(TIMES.heartbeatEveryMs, () => this.sweepAfterStart());
  }

  private isAnybodyThere(): boolean {
    return this.instances.live().next().done !== true;
  }

  private sweepWhatStands(): void {
    const { jobs, world } = this.coordinator;
    const { nowMs } = world.time;
    const before = this.stood;
    this.stood = new Map();
    if (world.plan.sabotage === 'lost nodes are ignored' || !this.isAnybodyThere()) return;
    const standing: JobId[] = [];
    for (const job of jobs.values()) {
      const { jobId } = job;
      const { leased, acknowledgedUpTo } = world.queue.delivered(jobId);
      if (job.isEnding || leased === 0) continue;
      this.stood.set(jobId, acknowledgedUpTo);
      if (before.get(jobId) !== acknowledgedUpTo) continue;
      const gave = this.gaveAt.get(jobId);
      const isWaiting = gave?.acknowledgedUpTo === acknowledgedUpTo && nowMs - gave.atMs < TIMES.leaseMs;
      if (!isWaiting && leased > this.instances.handsOf(jobId).held.length) standing.push(jobId);
    }
    if (standing.length > 0) this.sweep(standing);
  }

  hear(heartbeat: Heartbeat, answer: (answer: HeartbeatAnswer) => void): void {
    const { coordinator } = this;
    const { nodeId } = heartbeat;
    const before = this.nodes.get(nodeId);
    const heard = this.instances.hear(heartbeat, coordinator.world.time.nowMs);
    for (const lost of heard.lost) this.lost(lost);
    const toDrop = heard.instance && this.answerTo(heard.instance);
    if (toDrop) answer(toDrop);
    if (heartbeat.leaving) {
      if (before && before.heartbeat.instanceId !== heartbeat.instanceId) return;
      this.nodes.delete(nodeId);
      coordinator.judge.kick();
      return;
    }
    const state = heartbeat.draining ? 'draining' : 'ready';
    this.nodes.set(nodeId, { heartbeat, state });
    for (const jobId of heartbeat.jobIds) {
      const job = coordinator.jobs.get(jobId);
      if (job?.state === 'queued' && heartbeat.slotsBusy > 0)
        job.state = nextJobState(job.state, 'work_seen');
    }
    if (before?.state !== state) coordinator.judge.kick();
  }

  private findLost(): void {
    const { coordinator } = this;
    if (coordinator.world.plan.sabotage === 'lost nodes are ignored') return;
    for (const lost of this.instances.findSilent(coordinator.world.time.nowMs, this.listeningSinceMs)) {
      const { nodeId, heartbeat } = lost.instance;
      const node = this.nodes.get(nodeId);
      if (node?.heartbeat.instanceId === heartbeat.instanceId) {
        this.nodes.set(nodeId, { ...node, state: 'lost' });
        coordinator.judge.kick();
      }
      this.lost(lost);
    }
  }

  private lost({ instance, how, isCrash }: LostInstance): void {
    const { jobs, world } = this.coordinator;
    if (world.plan.sabotage === 'lost nodes are ignored') return;
    const { nodeId, heartbeat } = instance;
    world.note(() => `${heartbeat.instanceId} is lost: ${how}`);
    const isOver = (jobId: JobId, [frame, tile, attempt]: HeldAttempt) =>
      jobs.get(jobId)?.isOver(frame, tile, attempt) ?? true;
    const atWork = isCrash ? tilesAtWork(heartbeat, isOver) : new Map<JobId, readonly HeldAttempt[]>();
    for (const { jobId, attempts } of heartbeat.inHand) {
      const job = jobs.get(jobId);
      if (!job || job.isEnding) continue;
      const { held } = this.instances.handsOf(jobId);
      const tiles = lostTiles({
        queued: queuedTiles(job),
        lostHands: attempts,
        liveHands: held,
        deliveredUpTo: 0,
      });
      instance.givenAway.set(jobId, new Set(tiles.map(keyOf)));
      const atWorkKeys = new Set(atWork.get(jobId)?.map(heldKey));
      this.takeBack(
        job,
        tiles,
        tiles.filter((tile) => atWorkKeys.has(keyOf(tile))),
        nodeId,
      );
    }
    const assigned = world.assignments.get(nodeId)?.jobs.map(({ jobId }) => jobId) ?? [];
    this.sweep(new Set([...heartbeat.jobIds, ...assigned]), instance, isCrash);
  }

  private answerTo(instance: Instance): HeartbeatAnswer | undefined {
    const { jobs } = this.coordinator;
    return toDrop(
      this.instances,
      instance,
      (jobId, frame, tile) => jobs.get(jobId)?.isOver(frame, tile) ?? false,
    );
  }

  private takeBack(
    job: LiveJob,
    tiles: readonly QueuedTile[],
    atWork: readonly QueuedTile[],
    nodeId: NodeId,
  ): void {
    const { coordinator } = this;
    const { world } = coordinator;
    const counted = world.plan.sabotage === 'losses are not counted' ? [] : atWork;
    const { kept, isolated, failed } = countLosses(job, tiles, counted);
    for (const { lost, losses, attempts } of isolated) {
      const { frame, tile } = lost;
      world.note(() => `${job.jobId} ${frame}/${tile}: loss ${losses}, isolated`);
      coordinator.withdraw(job, frame, tile, attempts);
      coordinator.feed();
    }
    for (const { lost, losses } of failed) {
      const { frame, tile, attempt, sequence } = lost;
      world.note(() => `${job.jobId} ${frame}/${tile}/${attempt}: loss ${losses}, failed`);
      coordinator.withdraw(job, frame, tile, [{ attempt, sequence, avoid: [] }]);
      world.audit.lossReported(job.jobId, frame, tile, attempt, losses);
      coordinator.publishFailure(job, { frame, tile, attempt, nodeId, code: 'NODE_LOST' });
    }
    this.giveAway(job, kept);
    world.audit.counts(job);
  }

  /** Ends leases in the name of whoever has them (end-leases.ts). */
  private giveAway({ jobId }: LiveJob, tiles: readonly QueuedAttempt[]): void {
    const { coordinator } = this;
    const { queue } = coordinator.world;
    for (const { frame, tile, attempt, sequence } of tiles)
      coordinator.call(() =>
        queue.handBack(sequence || (queue.find({ jobId, frame, tile, attempt })?.sequence ?? 0)),
      );
  }

  private sweep(jobIds: Iterable<JobId>, lost?: Instance, isCrash = false): void {
    if (lost) this.gaveAt.clear();
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? { nodeIds: new Set(), given: new Set(), slotsCrashed: 0 };
      if (lost) wanted.nodeIds.add(lost.nodeId);
      if (lost && isCrash) wanted.slotsCrashed += lost.heartbeat.slots;
      for (const key of lost?.givenAway.get(jobId) ?? []) wanted.given.add(key);
      this.sweepWanted.set(jobId, wanted);
    }
    if (!this.isSweeping) this.runSweep();
  }

  private runSweep(): void {
    const { coordinator } = this;
    const { world } = coordinator;
    this.isSweeping = this.sweepWanted.size > 0;
    if (!this.isSweeping) return;
    const wanted = this.sweepWanted;
    this.sweepWanted = new Map();
    const delivered = new Map<LiveJob, Delivered>();
    coordinator.call(() => {
      for (const jobId of wanted.keys()) {
        const job = coordinator.jobs.get(jobId);
        if (job && !job.isEnding) delivered.set(job, world.queue.delivered(jobId));
      }
      // The answer takes its time, too.
      coordinator.call(() => {
        for (const agent of world.agents.values()) agent.rollCalled();
        const calledAtMs = world.time.nowMs + TIMES.rollCallAnswerMs / 2;
        const look = () => {
          if (!this.instances.areHeardSince(calledAtMs)) return coordinator.after(ASK_EVERY_MS, look);
          for (const [job, soFar] of delivered) this.findUntold(job, soFar, wanted.get(job.jobId)!);
          this.runSweep();
        };
        look();
      });
    });
  }

  private findUntold(job: LiveJob, delivered: Delivered, wanted: WantedSweep): void {
    const { jobId } = job;
    const { held, isAll } = this.instances.handsOf(jobId);
    if (!isAll || job.isEnding) return;
    const { deliveredUpTo } = delivered;
    const isUntold = (tile: QueuedAttempt) =>
      !wanted.given.has(keyOf(tile)) && !this.sweepWanted.get(jobId)?.given.has(keyOf(tile));
    const hands = { queued: queuedTiles(job), lostHands: [], liveHands: held, deliveredUpTo };
    const untold = lostTiles(hands).filter(isUntold);
    this.withSequences(job, untold, (known) => {
      const given = known.filter(({ sequence }) => sequence > 0 && sequence <= deliveredUpTo);
      const isStillLive = ({ open, tile, attempt }: QueuedTile) =>
        open.state === 'rendering' && isAttemptLive(open, tile, attempt);
      const tiles = given.filter((one) => isUntold(one) && isStillLive(one));
      this.takeUntold(job, tiles, delivered, wanted);
    });
  }

  private takeUntold(
    job: LiveJob,
    tiles: readonly QueuedTile[],
    { leased, acknowledgedUpTo }: Delivered,
    { nodeIds, slotsCrashed }: WantedSweep,
  ): void {
    if (tiles.length === 0 || job.isEnding) return;
    const [nodeId] = nodeIds;
    if (!nodeId && tiles.length > leased) return;
    if (!nodeId) this.gaveAt.set(job.jobId, { acknowledgedUpTo, atMs: this.coordinator.world.time.nowMs });
    const inOrder = tiles.toSorted((a, b) => a.sequence - b.sequence);
    if (nodeId) this.takeBack(job, tiles, inOrder.slice(0, slotsCrashed), nodeId);
    else this.giveAway(job, tiles);
  }

  /** The queue is asked for what an earlier coordinator has put there. */
  private withSequences(
    { jobId }: LiveJob,
    tiles: readonly QueuedTile[],
    then: (known: readonly QueuedTile[]) => void,
  ): void {
    const { coordinator } = this;
    if (tiles.every(({ sequence }) => sequence > 0)) then(tiles);
    else
      coordinator.call(() =>
        then(
          tiles.map((one) => {
            if (one.sequence > 0) return one;
            const { open, frame, tile, attempt } = one;
            const sequence = coordinator.world.queue.find({ jobId, frame, tile, attempt })?.sequence ?? 0;
            setSequence(open, tile, attempt, sequence);
            return { ...one, sequence };
          }),
        ),
      );
  }
}

function keyOf({ frame, tile, attempt }: QueuedAttempt): string {
  return attemptKey(frame, tile, attempt);
}
