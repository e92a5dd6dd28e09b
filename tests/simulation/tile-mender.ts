/** Looks at tiles that would otherwise wait, in the order of speculate.ts, reconcile.ts and queue-missing.ts. */

import { copyableTile, isQueueDry } from '#coordinator/jobs/copyable-tiles.js';
import type { LiveJob } from '#coordinator/jobs/live-job.js';
import { isStaleInQueue, queuedTiles } from '#coordinator/jobs/queued-tiles.js';
import { requeueMissing } from '#coordinator/jobs/requeue-missing.js';
import { liveAttempts } from '#coordinator/jobs/tile-case.js';
import { isStranded } from '#coordinator/recovery/avoid-list.js';
import { attemptKey } from '#coordinator/recovery/lost-tiles.js';
import {
  type Hold,
  type Holds,
  stragglers,
  trackHolds,
  type Worker,
} from '#coordinator/recovery/stragglers.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { SimCoordinator } from './sim-coordinator.js';
import type { TileMessage } from './tile-queue.js';

const SPECULATE_EVERY_MS = 1_000;
const RECONCILE_EVERY_MS = 5_000;

export class TileMender {
  private readonly coordinator: SimCoordinator;
  private holds: Holds = new Map();

  constructor(coordinator: SimCoordinator) {
    this.coordinator = coordinator;
  }

  start(): void {
    const { coordinator } = this;
    const { time } = coordinator.world;
    const repeat = (everyMs: number, look: () => void) =>
      time.every(everyMs, () => {
        if (coordinator.isAlive) look();
        return coordinator.isAlive;
      });
    repeat(SPECULATE_EVERY_MS, () => this.speculate());
    repeat(RECONCILE_EVERY_MS, () => this.reconcile());
  }

  private speculate(): void {
    const { coordinator } = this;
    const jobs = coordinator.liveJobs().filter((job) => !job.isEnding);
    const nearEnd = new Set(jobs.filter((job) => job.isAllOut).map((job) => job.jobId));
    const { nowMs } = coordinator.world.time;
    const heartbeats = [...coordinator.nodes.instances.live()].map(({ heartbeat }) => heartbeat);
    this.holds = trackHolds(this.holds, heartbeats, nearEnd, nowMs);
    const loads = new Map<NodeId, Worker>(heartbeats.map((heartbeat) => [heartbeat.nodeId, heartbeat]));
    for (const job of jobs) {
      const workers = coordinator.workersOf(job.jobId);
      if (workers.length === 0) continue;
      this.settleStranded(job, workers);
      const holds = [...this.holds.values()].filter(({ jobId }) => jobId === job.jobId);
      const idle = workers.flatMap((nodeId) => loads.get(nodeId) ?? []);
      this.copyStragglers(job, holds, idle, nowMs);
      coordinator.world.audit.counts(job);
    }
  }

  private settleStranded(job: LiveJob, workers: readonly NodeId[]): void {
    const { coordinator } = this;
    for (const frame of [...job.openFrames()])
      for (const tile of [...frame.cases.keys()]) {
        if (frame.state !== 'rendering') break;
        if (coordinator.results.acceptLone(job, frame, tile)) continue;
        const live = liveAttempts(frame, tile);
        if (!isStranded(live, workers)) continue;
        coordinator.withdraw(job, frame.frame, tile, live);
        for (const { attempt } of live) job.requeue(frame, tile, attempt);
        coordinator.feed();
      }
  }

  private copyStragglers(
    job: LiveJob,
    holds: readonly Hold[],
    workers: readonly Worker[],
    nowMs: number,
  ): void {
    const hasIdle = workers.some(({ slots, slotsBusy }) => slotsBusy < slots);
    if (holds.length === 0 || !hasIdle || !isQueueDry(job, holds)) return;
    const frames = new Map([...job.openFrames()].map((frame) => [frame.frame, frame]));
    const copyable = (hold: Hold) => copyableTile(job, frames.get(hold.held[0]), hold);
    const expectedMs = ({ held: [frameNumber, tile] }: Hold) => {
      const frame = frames.get(frameNumber);
      return frame ? job.expectedMsOf(frame, tile) : job.expectedMs;
    };
    const chosen = stragglers({ holds, workers, expectedMs, nowMs, copyable });
    for (const { held, nodeId } of chosen) {
      this.coordinator.world.note(() => `${job.jobId} ${held[0]}/${held[1]} gets a copy beside ${nodeId}`);
      job.copy(frames.get(held[0])!, held[1], nodeId);
    }
    if (chosen.length > 0) this.coordinator.feed();
  }

  private reconcile(): void {
    const { coordinator } = this;
    for (const jobId of [...coordinator.results.strays]) {
      coordinator.results.strays.delete(jobId);
      coordinator.clearUnlessLive(jobId);
    }
    if (coordinator.world.plan.sabotage !== 'missing tiles are not looked for')
      for (const job of coordinator.liveJobs()) this.queueMissing(job);
    coordinator.feed();
  }

  /** Messages for which nobody waits (withdraw-stale.ts). */
  private withdrawStale(job: LiveJob, message: TileMessage): void {
    const { coordinator } = this;
    const { queue } = coordinator.world;
    if (!isStaleInQueue(job, message)) return;
    coordinator.call(() => {
      const { sequence } = queue.find(message) ?? {};
      if (sequence === undefined || job.isEnding || !isStaleInQueue(job, message)) return;
      coordinator.call(() => queue.delete(sequence));
    });
  }

  private queueMissing(job: LiveJob): void {
    const { coordinator } = this;
    const { queue } = coordinator.world;
    const { jobId } = job;
    if (job.isEnding || job.tilesQueued === 0) return;
    coordinator.whenPublished(job, () => {
      const suspects = queuedTiles(job);
      coordinator.call(() => {
        const listed = queue.all().filter((one) => one.jobId === jobId);
        const inQueue = new Set(listed.map((one) => attemptKey(one.frame, one.tile, one.attempt)));
        coordinator.call(() => {
          const isStuck = inQueue.size > 0 && queue.isDry(jobId);
          coordinator.call(() => {
            coordinator.results.takeAll();
            if (job.isEnding) return;
            const missing = requeueMissing(job, {
              queued: suspects,
              isInQueue: ({ frame, tile, attempt }) => inQueue.has(attemptKey(frame, tile, attempt)),
              isStuck,
              liveHands: coordinator.nodes.instances.handsOf(jobId).held,
            });
            for (const { frame, tile, attempt } of missing)
              coordinator.world.note(
                () => `${jobId} ${frame}/${tile}/${attempt} is missing${isStuck ? ' (stuck)' : ''}`,
              );
            for (const one of listed) this.withdrawStale(job, one);
            coordinator.world.audit.counts(job);
            if (missing.length > 0) coordinator.feed();
          });
        });
      });
    });
  }
}
