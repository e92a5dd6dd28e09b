/**
 * Compares what should be with what the bus holds, and mends the difference: once at start (the store is the truth, the
 * bus may have lost or kept anything), and every few seconds for tiles that have gone missing from the queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { encodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureJobConsumer, ensureStreams } from '#shared/bus/streams.js';
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Farm } from '../farm.js';
import type { LiveFrame } from '../jobs/live-frame.js';
import { tileState } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { Collector } from './collect.js';
import { clearJob } from './end-job.js';
import type { Feeder } from './feed.js';
import { isStreamLost } from './stream-lost.js';

const EVERY_MS = 5_000;

/** Gives agents what they need for a job: its consumer and its record. Assignments come after it. */
export async function openJobOnBus(farm: Farm, record: JobRecord): Promise<void> {
  const { bus, signal } = farm;
  await ensureJobConsumer(bus, record.jobId, signal);
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(
    `copy record of ${record.jobId}`,
    () => bucket.put(record.jobId, encodeMessage(record)),
    signal,
  );
}

/** At start, before anything is collected or fed. */
export async function reconcileAtStart(farm: Farm, collector: Collector): Promise<void> {
  const { bus, log, jobs } = farm;
  const known = new Set<JobId>(jobs.liveJobs().map((job) => job.jobId));
  for (const jobId of await jobsOnBus(farm)) {
    if (known.has(jobId)) continue;
    log.info({ jobId }, 'job is not running; its tiles and results are purged');
    await clearJob(farm, collector, jobId);
  }
  for (const job of jobs.liveJobs()) {
    await openJobOnBus(farm, job.record);
    // A frame may have been recorded without its results being purged.
    const counts = await subjectsOf(farm, bus.names.resultsStream, bus.names.resultsOfJob(job.jobId));
    const frames = new Set([...counts].map((subject) => frameOfSubject(bus.names.prefix, subject)));
    const ended = [...frames].filter((frame) => !job.openFrame(frame));
    await Promise.all(ended.map((frame) => collector.purge(bus.names.resultsOfFrame(job.jobId, frame))));
  }
}

/** Ids of all jobs of which the bus holds a record, a tile, a result or a consumer. */
async function jobsOnBus(farm: Farm): Promise<Set<JobId>> {
  const { bus, signal } = farm;
  const ids = new Set<JobId>();
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(
    'list records of jobs',
    async () => {
      for await (const key of await bucket.keys()) ids.add(key as JobId);
    },
    signal,
  );
  for (const [stream, all] of [
    [bus.names.tilesStream, bus.names.tilesAll],
    [bus.names.resultsStream, bus.names.resultsAll],
  ] as const) {
    for (const subject of await subjectsOf(farm, stream, all))
      ids.add(subject.slice(bus.names.prefix.length + 1).split('.')[1] as JobId);
  }
  await retryCall(
    'list consumers',
    async () => {
      for await (const consumer of bus.jsm.consumers.list(bus.names.tilesStream))
        ids.add(consumer.name as JobId);
    },
    signal,
  );
  return ids;
}

async function subjectsOf(farm: Farm, stream: string, filter: string): Promise<Set<string>> {
  const info = await retryCall(
    `list subjects of ${filter}`,
    () => farm.bus.jsm.streams.info(stream, { subjects_filter: filter }),
    farm.signal,
  );
  return new Set(Object.keys(info.state.subjects ?? {}));
}

function frameOfSubject(prefix: string, subject: string): number {
  return Number(subject.slice(prefix.length + 1).split('.')[2]);
}

/**
 * Looks again and again for tiles that count as queued but are neither in the stream nor done, and queues them again.
 * Resolves when the farm closes.
 */
export async function reconcileLoop(
  farm: Farm,
  collector: Collector,
  feeder: Feeder,
  onRestored: () => void,
): Promise<void> {
  while (!farm.signal.aborted) {
    await delay(EVERY_MS, undefined, { signal: farm.signal }).catch(() => undefined);
    try {
      if (await isBusLost(farm, collector)) {
        await restoreBus(farm, collector);
        onRestored();
      }
      await purgeStrays(farm, collector);
      for (const job of farm.jobs.liveJobs()) await findMissing(farm, job, collector);
      feeder.kick();
    } catch (err) {
      if (!farm.signal.aborted) farm.log.warn({ err }, 'reconciling was interrupted; trying again');
    }
  }
}

/** JetStream's store was lost or put back to an older state: what has been read is further than what is there. */
async function isBusLost(farm: Farm, collector: Collector): Promise<boolean> {
  const { bus, signal } = farm;
  const taken = collector.lastSequence;
  try {
    const info = await retryCall(
      'look at the results stream',
      () => bus.jsm.streams.info(bus.names.resultsStream),
      signal,
    );
    return info.state.last_seq < taken;
  } catch (error) {
    if (isStreamLost(error)) return true;
    throw error;
  }
}

/** Everything that was on the bus is made again from the store; tiles follow, as missing ones. */
async function restoreBus(farm: Farm, collector: Collector): Promise<void> {
  farm.log.error('JetStream has lost its streams; they are made again from the store');
  await ensureStreams(farm.bus, farm.signal);
  await collector.restart();
  for (const job of farm.jobs.liveJobs()) if (!job.isEnding) await openJobOnBus(farm, job.record);
}

/** Results that an agent published after its job had ended. */
async function purgeStrays(farm: Farm, collector: Collector): Promise<void> {
  for (const jobId of [...collector.strays]) {
    collector.strays.delete(jobId);
    // A job may have been submitted since; its results are wanted.
    if (!farm.jobs.liveJob(jobId)) await clearJob(farm, collector, jobId);
  }
}

/** Queues missing tiles of a job again. @returns how many. */
export async function findMissing(farm: Farm, job: LiveJob, collector: Collector): Promise<number> {
  if (job.isEnding || job.tilesQueued === 0) return 0;
  await Promise.allSettled([...job.publishes]);
  const suspects = queuedTiles(job);
  const { bus, signal } = farm;
  const held = await subjectsOf(farm, bus.names.tilesStream, bus.names.tilesOfJob(job.jobId));
  const isStuck = held.size > 0 && (await isConsumerDry(farm, job.jobId));
  // An agent publishes the result before it acks: whatever left the queue before the look above has its result in the
  // stream by now, so that once the collector has caught up, a tile without one is truly missing.
  await collector.caughtUp();
  if (job.isEnding || signal.aborted) return 0;
  let missing = 0;
  for (const { frame, tile, attempt } of suspects) {
    if (frame.state !== 'rendering' || tileState(frame, tile) !== 'queued') continue;
    if (frame.attempts[tile] !== attempt) continue;
    const subject = bus.names.tile({ jobId: job.jobId, frame: frame.frame, tile, attempt });
    if (held.has(subject) && !isStuck) continue;
    job.requeue(frame, tile);
    missing++;
  }
  if (missing > 0)
    farm.log.warn(
      { jobId: job.jobId, tiles: missing, isStuck },
      'tiles were missing from the queue; queued again',
    );
  return missing;
}

/**
 * After a server was killed, finished tiles may stand in the stream that its consumer never delivers (measured on 2.9):
 * nothing pending and nothing at a node, although the stream is not empty.
 */
async function isConsumerDry(farm: Farm, jobId: JobId): Promise<boolean> {
  const { bus, signal } = farm;
  const info = await retryCall(
    `look at consumer ${jobId}`,
    () => bus.jsm.consumers.info(bus.names.tilesStream, bus.names.consumer(jobId)),
    signal,
  );
  return info.num_pending === 0 && info.num_ack_pending === 0;
}

function queuedTiles(job: LiveJob): { frame: LiveFrame; tile: number; attempt: number }[] {
  const queued: { frame: LiveFrame; tile: number; attempt: number }[] = [];
  for (const frame of job.openFrames()) {
    if (frame.state !== 'rendering') continue;
    for (let tile = 0; tile < job.grid.count; tile++)
      if (tileState(frame, tile) === 'queued') queued.push({ frame, tile, attempt: frame.attempts[tile]! });
  }
  return queued;
}
