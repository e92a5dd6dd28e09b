/** Finds tiles of a job that are neither done nor moving, and queues them again; and what moves in vain, and ends that. */
import { once } from 'node:events';
import { retryCall } from '#shared/bus/retry-call.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import { requeueMissing } from '../jobs/requeue-missing.js';
import type { Instances } from '../recovery/instances.js';
import type { Collector } from './collect.js';
import { subjectsOf } from './jobs-on-bus.js';
import { tellRepaired } from './tell-repaired.js';
import { withdrawStale } from './withdraw-stale.js';

/**
 * Publishes and results settle in a moment, unless the bus has no room for them, or has lost their stream. Longer than
 * result-reader.ts takes to pass over results that cannot be read.
 */
const PATIENCE_MS = 20_000;

/** @returns false when it could not be found out, since publishes or results do not settle. */
export async function queueMissing(
  farm: Farm,
  job: LiveJob,
  collector: Collector,
  instances: Instances,
  patienceMs = PATIENCE_MS,
): Promise<boolean> {
  if (job.isEnding || job.tilesQueued === 0) return true;
  const patience = AbortSignal.timeout(patienceMs);
  const published = Promise.allSettled([...job.publishes]);
  await Promise.race([published, once(patience, 'abort')]);
  if (patience.aborted) return false;
  const suspects = queuedTiles(job);
  const { bus, signal } = farm;
  const { jobId } = job;
  const inQueue = await subjectsOf(farm, bus.names.tilesStream, bus.names.tilesOfJob(jobId));
  const isStuck = inQueue.size > 0 && (await isConsumerDry(farm, job));
  // An agent publishes the result before it acks: whatever left the queue before the look above has its result in the
  // stream by now, so that once the collector has caught up, a tile without one is truly missing.
  if (!(await collector.caughtUp(patience))) return false;
  if (job.isEnding || signal.aborted) return true;
  const missing = requeueMissing(job, {
    queued: suspects,
    isInQueue: ({ frame, tile, attempt }) => inQueue.has(bus.names.tile({ jobId, frame, tile, attempt })),
    isStuck,
    // On a large farm it is long, and nothing is missing as a rule.
    get liveHands() {
      return instances.handsOf(jobId).held;
    },
  });
  if (missing.length > 0) {
    const tiles = missing.length === 1 ? '1 tile was' : `${missing.length} tiles were`;
    const how = isStuck ? 'in the queue without ever being delivered' : 'missing from the queue';
    tellRepaired(farm, job, `${tiles} ${how}; queued again`);
  }
  await withdrawStale(farm, job, inQueue);
  return true;
}

/**
 * After a server was killed, finished tiles may stand in the stream that its consumer never delivers (measured on 2.9):
 * nothing pending and nothing at a node, although the stream is not empty.
 */
async function isConsumerDry({ bus, signal }: Farm, { jobId }: LiveJob): Promise<boolean> {
  const info = await retryCall(
    `look at consumer ${jobId}`,
    () => bus.jsm.consumers.info(bus.names.tilesStream, bus.names.consumer(jobId)),
    signal,
  );
  return info.num_pending === 0 && info.num_ack_pending === 0;
}
