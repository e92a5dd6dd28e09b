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
/** A job's window when many run, or while it has no slots: enough for the slots of a few nodes. */
const WINDOW_MIN = 64;
/** A job with many slots has so many tiles for each in the queue: what they have in hand, and as many again. */
const TILES_PER_SLOT = 4;

/**
 * How many tiles a job may have in the queue: its share of what the queue takes, by its slots; an equal one while no job
 * has any. So the jobs that are first in line do not fill it alone. Jobs that have more, from when they had more slots or
 * there were fewer of them, are fed once they are below.
 * @param slotsGiven of all jobs.
 */
export function windowOf(liveJobs: number, slots = 0, slotsGiven = 0): number {
  if (slotsGiven > 0 && slots === 0) return WINDOW_MIN;
  const part = slotsGiven > 0 ? slots / slotsGiven : 1 / Math.max(1, liveJobs);
  const share = Math.floor(LIMITS.queuedTilesMax * part);
  const most = Math.max(LIMITS.queuedTilesPerJobMax, TILES_PER_SLOT * slots);
  return Math.min(most, Math.max(WINDOW_MIN, share));
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

/** Which jobs are fed, and how much. */
export interface FeedPlan {
  /** False: none of its tiles may be given out now. */
  mayFeed(jobId: JobId): boolean;
  /** Whether tiles of a frame may be; nothing: of all. */
  mayRender(jobId: JobId): ((frame: number) => boolean) | undefined;
  /** Whether frames may be begun; asked before each tile. */
  mayBegin(job: LiveJob): boolean;
  slotsOf(jobId: JobId): number;
  /** Of all jobs. */
  readonly slots: number;
  /** A tile goes out that so many nodes are to leave to others. */
  tileAvoids(job: LiveJob, nodeCount: number): void;
}

/** Every job alike. */
const EVERY_JOB: FeedPlan = {
  mayFeed: () => true,
  mayRender: () => undefined,
  mayBegin: () => true,
  slotsOf: () => 0,
  slots: 0,
  tileAvoids: () => undefined,
};

export function feeder(farm: Farm, nodes: FeederNodes, plan: FeedPlan = EVERY_JOB): Feeder {
  let isStarted = false;
  let isRunning = false;
  let isKicked = false;
  let inFlight = 0;
  let wakePublisher: (() => void) | undefined;

  const publish = async (job: LiveJob, next: NextTile): Promise<void> => {
    const { layout } = next.frame;
    const expectedMs = Math.round(job.expectedMsOf(next.frame, next.tile));
    const message: TileMessage = {
      jobId: job.jobId,
      planId: layout.planId,
      frame: next.frame.frame,
      tile: next.tile,
      attempt: next.attempt,
      region: layout.regionOfTile(next.tile),
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
        if (await adoptFromQueue(farm, job, next)) kick();
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
    const all = farm.jobs.liveJobs();
    let queued = all.reduce((sum, job) => sum + job.tilesQueued, 0);
    let isIsolatedOut = all.some((job) => holdsIsolatedBack(job, nodes));
    const jobs = all.filter(({ jobId }) => plan.mayFeed(jobId));
    const { slots } = plan;
    // Where the queue is full, whoever works comes first.
    if (slots > 0) jobs.sort((a, b) => hasSlots(b) - hasSlots(a));
    for (const job of jobs) {
      const windowTiles = windowOf(jobs.length, plan.slotsOf(job.jobId), slots);
      const topUpTiles = Math.min(TOP_UP_MIN, Math.floor(windowTiles / 2));
      if (job.tilesQueued > windowTiles - topUpTiles) continue;
      const workers = () => nodes.workersOf(job.jobId);
      const mayRender = plan.mayRender(job.jobId);
      while (
        !job.isEnding &&
        !farm.signal.aborted &&
        job.tilesQueued < windowTiles &&
        queued < LIMITS.queuedTilesMax
      ) {
        const next = job.takeNextTile({
          ...{ workers, isIsolatedOut, mayBegin: plan.mayBegin(job) },
          ...(mayRender && { mayRender }),
        });
        if (!next) break;
        if (next.avoid.length > 0) plan.tileAvoids(job, next.avoid.length);
        queued++;
        isIsolatedOut ||= holdsIsolatedBack(job, nodes);
        await publishInWindow(job, next);
      }
    }
  };

  const hasSlots = ({ jobId }: LiveJob): number => (plan.slotsOf(jobId) > 0 ? 1 : 0);

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
