/** Which agents are there, and what follows for their tiles when one is not: the order of nodes.ts and recover.ts. */

import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { countLosses } from '#coordinator/jobs/lost-at-work.js';
import { type IsOver, lostAgent, lostHands, takeFromHands } from '#coordinator/jobs/lost-hands.js';
import type { QueuedTile } from '#coordinator/jobs/queued-tiles.js';
import { queuedTiles } from '#coordinator/jobs/queued-tiles.js';
import { setSequence } from '#coordinator/jobs/tile-case.js';
import { type JobSweep, judgeSuspects, suspectedTiles } from '#coordinator/jobs/untold-in-job.js';
import { GivenTiles } from '#coordinator/recovery/given-tiles.js';
import { type Instance, Instances, type LostInstance, toDrop } from '#coordinator/recovery/instances.js';
import type { QueuedAttempt } from '#coordinator/recovery/lost-tiles.js';
import { accountedTiles, StandingLeases } from '#coordinator/recovery/standing-leases.js';
import type { LostAgent, QueueLook } from '#coordinator/recovery/untold-tiles.js';
import type { Heartbeat, HeartbeatAnswer } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { nextJobState } from '#shared/state/job-state.js';
import type { SimCoordinator } from './sim-coordinator.js';

const CHECK_EVERY_MS = 250;
const ASK_EVERY_MS = 10;
const STANDS_MS = 3_000;

export interface HeardNode {
  readonly heartbeat: Heartbeat;
  readonly state: 'ready' | 'draining' | 'lost';
}

export class NodeWatch {
  readonly instances = new Instances();
  readonly nodes = new Map<NodeId, HeardNode>();
  private readonly coordinator: SimCoordinator;
  private readonly listeningSinceMs: number;
  private sweepWanted = new Map<JobId, LostAgent[]>();
  private isSweeping = false;
  private readonly given = new GivenTiles();
  private readonly standing = new StandingLeases();

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
    if (world.plan.sabotage === 'lost nodes are ignored') return;
    const live = this.isAnybodyThere() ? [...jobs.values()].filter(({ isEnding }) => !isEnding) : [];
    const leases = live.map((job) => {
      const { jobId } = job;
      const look = world.queue.look(jobId);
      const { isWaitedFor } = look;
      return {
        ...look,
        jobId,
        accounted: () => {
          this.given.keepQueued(jobId, queuedTiles(job));
          return accountedTiles(this.instances, this.given, jobId, { nowMs: world.time.nowMs, isWaitedFor });
        },
      };
    });
    const standing = this.standing.look(leases);
    if (standing.length > 0) this.sweep(standing);
  }

  hear(heartbeat: Heartbeat, answer: (answer: HeartbeatAnswer) => void): void {
    const { coordinator } = this;
    const { nodeId } = heartbeat;
    const before = this.nodes.get(nodeId);
    const heard = this.instances.hear(heartbeat, coordinator.world.time.nowMs);
    this.lost(heard.lost);
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
    const lost = this.instances.findSilent(coordinator.world.time.nowMs, this.listeningSinceMs);
    for (const { instance } of lost) {
      const { nodeId, heartbeat } = instance;
      const node = this.nodes.get(nodeId);
      if (node?.heartbeat.instanceId === heartbeat.instanceId) {
        this.nodes.set(nodeId, { ...node, state: 'lost' });
        coordinator.judge.kick();
      }
    }
    this.lost(lost);
  }

  private lost(lost: readonly LostInstance[]): void {
    const { jobs, world } = this.coordinator;
    if (lost.length === 0 || world.plan.sabotage === 'lost nodes are ignored') return;
    const { nowMs } = world.time;
    for (const { instance, how } of lost)
      world.note(() => `${instance.heartbeat.instanceId} is lost: ${how}`);
    const isOver: IsOver = (jobId, [frame, tile, attempt]) =>
      jobs.get(jobId)?.isOver(frame, tile, attempt) ?? true;
    this.given.agentLost(nowMs);
    const agents = lost.map((one) => lostAgent(one, isOver, nowMs));
    for (const [jobId, hands] of lostHands(lost, isOver)) {
      const job = jobs.get(jobId);
      if (!job || job.isEnding) continue;
      for (const { hand, tiles, atWork } of takeFromHands(job, hands, this.instances.handsOf(jobId).held))
        this.takeBack(job, tiles, atWork, hand.instance.nodeId);
    }
    for (const [index, { instance }] of lost.entries()) {
      const { nodeId, heartbeat } = instance;
      const assigned = world.assignments.get(nodeId)?.jobs.map(({ jobId }) => jobId) ?? [];
      this.want(new Set([...heartbeat.jobIds, ...assigned]), agents[index]);
    }
    if (!this.isSweeping) this.runSweep();
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
    const { queue, time } = coordinator.world;
    this.given.give(jobId, tiles, time.nowMs);
    for (const { frame, tile, attempt, sequence } of tiles)
      coordinator.call(() =>
        queue.handBack(sequence || (queue.find({ jobId, frame, tile, attempt })?.sequence ?? 0)),
      );
  }

  private sweep(jobIds: Iterable<JobId>): void {
    this.want(jobIds);
    if (!this.isSweeping) this.runSweep();
  }

  private want(jobIds: Iterable<JobId>, lost?: LostAgent): void {
    for (const jobId of jobIds) {
      const wanted = this.sweepWanted.get(jobId) ?? [];
      if (lost) wanted.push(lost);
      this.sweepWanted.set(jobId, wanted);
    }
  }

  private runSweep(): void {
    const { coordinator, given } = this;
    const { world } = coordinator;
    this.isSweeping = this.sweepWanted.size > 0;
    if (!this.isSweeping) return;
    const wanted = this.sweepWanted;
    this.sweepWanted = new Map();
    const sweeps: JobSweep[] = [];
    coordinator.call(() => {
      const lookedAtMs = world.time.nowMs;
      for (const [jobId, lost] of wanted) {
        const job = coordinator.jobs.get(jobId);
        if (job && !job.isEnding) sweeps.push({ job, look: this.look(jobId), lookedAtMs, lost, given });
      }
      // The answer takes its time, too.
      coordinator.call(() => {
        for (const agent of world.agents.values()) agent.rollCalled();
        const calledAtMs = world.time.nowMs + TIMES.rollCallAnswerMs / 2;
        const look = () => {
          if (!this.instances.areHeardSince(calledAtMs)) return coordinator.after(ASK_EVERY_MS, look);
          for (const sweep of sweeps) this.findUntold(sweep);
          this.runSweep();
        };
        look();
      });
    });
  }

  private look(jobId: JobId): QueueLook {
    const { queue, plan } = this.coordinator.world;
    const look = queue.look(jobId);
    const isBroken = plan.sabotage === 'tiles that wait for a slot are taken for lost';
    return isBroken ? { ...look, isWaitedFor: true } : look;
  }

  private findUntold(sweep: JobSweep): void {
    const { job, lost, lookedAtMs } = sweep;
    const { world } = this.coordinator;
    const { held, isAll } = this.instances.handsOf(job.jobId);
    if (!isAll || job.isEnding) return;
    this.withSequences(job, suspectedTiles(sweep, held), (suspects) => {
      if (job.isEnding) return;
      const { gone, unsure, atWork } = judgeSuspects(sweep, suspects, world.time.nowMs);
      this.giveAway(job, unsure);
      const [first] = lost;
      if (first) this.takeBack(job, gone, atWork, first.nodeId);
      else {
        world.audit.toldWithoutNode(job.jobId, gone, lookedAtMs);
        this.giveAway(job, gone);
      }
    });
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
