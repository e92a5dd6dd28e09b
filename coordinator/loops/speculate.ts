/**
 * Once a second, looks at tiles that would otherwise wait: those that hold the end of a job back get a second copy, those
 * that every node left leaves to others are queued anew for all, and results whose second opinion can no longer be had
 * are accepted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import { copyableTile, isQueueDry } from '../jobs/copyable-tiles.js';
import type { LiveFrame } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { liveAttempts } from '../jobs/tile-case.js';
import { isStranded } from '../recovery/avoid-list.js';
import { HeardClock } from '../recovery/heard-clock.js';
import type { Instances } from '../recovery/instances.js';
import { type Hold, type Holds, stragglers, trackHolds, type Worker } from '../recovery/stragglers.js';
import type { Collector } from './collect.js';
import type { Feeder } from './feed.js';
import type { Recovery } from './recover.js';
import type { WorkersOf } from './tell-opinions.js';

const EVERY_MS = 1_000;

export interface SpeculatorParts {
  readonly instances: Instances;
  readonly workersOf: WorkersOf;
  readonly feeder: Feeder;
  readonly recovery: Recovery;
  readonly collector: Collector;
}

/** Resolves when the farm closes. */
export async function speculateLoop(farm: Farm, parts: SpeculatorParts): Promise<void> {
  let holds: Holds = new Map();
  const clock = new HeardClock();
  while (!farm.signal.aborted) {
    await delay(EVERY_MS, undefined, { signal: farm.signal }).catch(() => undefined);
    if (farm.signal.aborted) return;
    holds = lookOnce(farm, parts, holds, clock);
  }
}

function lookOnce(farm: Farm, parts: SpeculatorParts, before: Holds, clock: HeardClock): Holds {
  const jobs = farm.jobs.liveJobs().filter((job) => !job.isEnding);
  const nearEnd = new Set(jobs.filter((job) => job.isAllOut).map((job) => job.jobId));
  const { heartbeats, heardAtMs } = freshHeartbeats(parts.instances);
  const nowMs = clock.at(heardAtMs);
  const holds = trackHolds(before, heartbeats, nearEnd, nowMs);
  const byJob = new Map<JobId, Hold[]>();
  for (const hold of holds.values()) {
    const ofJob = byJob.get(hold.jobId) ?? [];
    ofJob.push(hold);
    byJob.set(hold.jobId, ofJob);
  }
  const loads = new Map<NodeId, Worker>(heartbeats.map((heartbeat) => [heartbeat.nodeId, heartbeat]));
  for (const job of jobs) {
    const workers = parts.workersOf(job.jobId);
    if (workers.length === 0) continue;
    settleStranded(parts, job, workers);
    const ofJob = byJob.get(job.jobId);
    if (!ofJob) continue;
    const taking = workers.flatMap((nodeId) => loads.get(nodeId) ?? []);
    copyStragglers(farm, parts, job, ofJob, taking, nowMs);
  }
  return holds;
}

/** While the bus is away nobody is lost, and what nodes said last grows old: it tells nothing about their tiles. */
function freshHeartbeats(instances: Instances) {
  const sinceMs = performance.now() - TIMES.nodeLostAfterMs;
  const fresh = [...instances.live()].filter(({ lastHeartbeatAtMs }) => lastHeartbeatAtMs >= sinceMs);
  const heardAtMs =
    fresh.length > 0 ? fresh.reduce((last, one) => Math.max(last, one.lastHeartbeatAtMs), 0) : undefined;
  return { heartbeats: fresh.map(({ heartbeat }) => heartbeat), heardAtMs };
}

/** Few tiles have a case, so that this costs nothing as long as all is well. */
function settleStranded(parts: SpeculatorParts, job: LiveJob, workers: readonly NodeId[]): void {
  for (const frame of [...job.openFrames()]) {
    for (const tile of [...frame.cases.keys()]) {
      if (frame.state !== 'rendering') break;
      if (parts.collector.acceptLone(job, frame, tile)) continue;
      const live = liveAttempts(frame, tile);
      if (!isStranded(live, workers)) continue;
      void parts.recovery.withdraw(job, addressed(job, frame, tile));
      for (const { attempt } of live) job.requeue(frame, tile, attempt);
      parts.feeder.kick();
    }
  }
}

function copyStragglers(
  farm: Farm,
  parts: SpeculatorParts,
  job: LiveJob,
  holds: readonly Hold[],
  workers: readonly Worker[],
  nowMs: number,
): void {
  const hasIdle = workers.some(({ slots, slotsBusy }) => slotsBusy < slots);
  if (!hasIdle || !isQueueDry(job, holds)) return;
  const frames = new Map([...job.openFrames()].map((frame) => [frame.frame, frame]));
  const copyable = (hold: Hold) => copyableTile(job, frames.get(hold.held[0]), hold);
  const expectedMs = ({ held: [frameNumber, tile] }: Hold) => {
    const frame = frames.get(frameNumber);
    return frame ? job.expectedMsOf(frame, tile) : job.expectedMs;
  };
  const chosen = stragglers({ holds, workers, expectedMs, nowMs, copyable });
  for (const { held, nodeId, isRendering, sinceMs } of chosen) {
    const [frameNumber, tile, attempt] = held;
    job.copy(frames.get(frameNumber)!, tile, nodeId);
    const seconds = ((nowMs - sinceMs) / 1000).toFixed(1);
    const what = isRendering ? 'has rendered' : 'has had at hand';
    const message = `node ${nodeId} ${what} tile ${tile} of frame ${frameNumber} for ${seconds} s; another node renders it too`;
    const where = { jobId: job.jobId, frame: frameNumber, tile, attempt, nodeId };
    farm.log.info({ ...where, reason: message }, 'tile queued a second time');
    void farm.events.publish({ ...where, kind: 'speculated', state: job.state, message });
  }
  if (chosen.length > 0) parts.feeder.kick();
}

function addressed(job: LiveJob, frame: LiveFrame, tile: number) {
  return liveAttempts(frame, tile).map(({ attempt, sequence }) => ({
    jobId: job.jobId,
    frame: frame.frame,
    tile,
    attempt,
    sequence,
  }));
}
