/**
 * Keeps a bounded window of each running job's tiles in the queue, in frame order.
 *
 * Which tile is in the queue already is a question for the queue itself: TILES holds at most one message per subject
 * (job, frame, tile, attempt) and refuses a second one. So after a restart this loop simply feeds whatever is not done;
 * what is still queued, or delivered and not acked, is refused, which counts as success. Tiles have no message id on
 * purpose: JetStream's de-duplication remembers an id for two minutes even when its message has been taken and acked, so
 * it would acknowledge the publish of a tile that is not in the stream. The one duplicate this allows (a publish whose
 * answer was lost, whose tile was rendered and acked before the retry) costs one more render of the same pixels.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeMessage, type TileMessage } from '#shared/bus/messages.js';
import { isSubjectTaken, retryCall } from '#shared/bus/retry-call.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { setSequence } from '../jobs/tile-case.js';
import type { NextTile } from '../jobs/tile-order.js';
import { adoptFromQueue } from './adopt-from-queue.js';

/**
 * A window is topped up by this many tiles or more, so that publishes travel together: one at a time, per result, cost
 * the coordinator a system call each (measured: a seventh of its time with short tiles).
 */
const TOP_UP_MIN = 64;
/** A job's window when many run: enough for the slots of a few nodes. */
const WINDOW_MIN = 64;

/**
 * How many tiles a job may have in the queue: an equal share of what the queue takes, so that the jobs that are first in
 * line do not fill it alone. Jobs that have more, from when there were fewer of them, are fed once they are below.
 */
export function windowOf(liveJobs: number): number {
  const share = Math.floor(LIMITS.queuedTilesMax / Math.max(1, liveJobs));
  return Math.min(LIMITS.queuedTilesPerJobMax, Math.max(WINDOW_MIN, share));
}

export interface Feeder {
  /** Something may need feeding: a new job, a result, a failed attempt. Cheap; called per result. */
  kick(): void;
  /** Nothing is fed before this. */
  start(): void;
}

/**
 * Whether a job's isolated tile is out, so that those of other jobs wait. One that nobody can take ends no agent, and may
 * be out for hours.
 */
export function holdsIsolatedBack(
  job: Pick<LiveJob, 'jobId' | 'isIsolatedOut'>,
  { isWithoutWorkers }: Pick<FeederNodes, 'isWithoutWorkers'>,
): boolean {
  return job.isIsolatedOut && !isWithoutWorkers(job.jobId);
}

/** Who works for a job. */
export interface FeederNodes {
  /** Nodes that may take tiles of a job; empty: nobody, or not known. */
  workersOf(jobId: JobId): readonly NodeId[];
  /** Whether it is known that nobody may. */
  isWithoutWorkers(jobId: JobId): boolean;
}

export function feeder(farm: Farm, nodes: FeederNodes): Feeder {
  let isStarted = false;
  let isRunning = false;
  let isKicked = false;
  let inFlight = 0;
  let wakePublisher: (() => void) | undefined;

  const publish = async (job: LiveJob, next: NextTile): Promise<void> => {
    const expectedMs = Math.round(job.expectedMs);
    const message: TileMessage = {
      jobId: job.jobId,
      planId: job.record.plan.planId,
      frame: next.frame.frame,
      tile: next.tile,
      attempt: next.attempt,
      region: job.grid.regionOfTile(next.tile),
      ...(next.avoid.length > 0 ? { avoid: [...next.avoid] } : {}),
      ...(expectedMs > 0 ? { expectedMs } : {}),
    };
    const subject = farm.bus.names.tile(message);
    const data = encodeMessage(message);
    try {
      const sequence = await retryCall(
        `publish tile ${subject}`,
        () => farm.bus.publisher.publish(subject, data),
        farm.signal,
      );
      setSequence(next.frame, next.tile, next.attempt, sequence);
    } catch (error) {
      if (farm.signal.aborted || job.isEnding) return;
      if (isSubjectTaken(error)) {
        await adoptFromQueue(farm, job, next);
        return;
      }
      // The reconcile loop finds the tile missing and feeds it again.
      farm.log.error(
        { jobId: job.jobId, frame: message.frame, tile: message.tile, err: error },
        'tile not queued',
      );
    }
  };

  const publishInWindow = async (job: LiveJob, next: NextTile): Promise<void> => {
    while (inFlight >= LIMITS.publishWindow) {
      await new Promise<void>((resolve) => {
        wakePublisher = resolve;
      });
    }
    inFlight++;
    const running = publish(job, next).finally(() => {
      inFlight--;
      job.publishes.delete(running);
      wakePublisher?.();
      wakePublisher = undefined;
    });
    job.publishes.add(running);
  };

  const feedAll = async (): Promise<void> => {
    const jobs = farm.jobs.liveJobs();
    let queued = jobs.reduce((sum, job) => sum + job.tilesQueued, 0);
    let isIsolatedOut = jobs.some((job) => holdsIsolatedBack(job, nodes));
    const windowTiles = windowOf(jobs.length);
    const topUpTiles = Math.min(TOP_UP_MIN, Math.floor(windowTiles / 2));
    for (const job of jobs) {
      if (job.tilesQueued > windowTiles - topUpTiles) continue;
      const workers = () => nodes.workersOf(job.jobId);
      while (
        !job.isEnding &&
        !farm.signal.aborted &&
        job.tilesQueued < windowTiles &&
        queued < LIMITS.queuedTilesMax
      ) {
        const next = job.takeNextTile({ workers, isIsolatedOut });
        if (!next) break;
        queued++;
        isIsolatedOut ||= holdsIsolatedBack(job, nodes);
        await publishInWindow(job, next);
      }
    }
  };

  const run = async (): Promise<void> => {
    isRunning = true;
    try {
      // What came in this turn of the event loop is answered together.
      await setImmediate();
      while (isKicked && !farm.signal.aborted) {
        isKicked = false;
        await feedAll();
      }
    } finally {
      isRunning = false;
    }
  };

  const kick = () => {
    isKicked = true;
    if (isStarted && !isRunning) void run();
  };
  return {
    kick,
    start() {
      isStarted = true;
      kick();
    },
  };
}
