/**
 * Compares what should be with what the bus holds, and mends the difference: once at start (the store is the truth, the
 * bus may have lost or kept anything), and every few seconds for tiles that have gone missing from the queue.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { encodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureJobConsumer, ensureStreams } from '#shared/bus/streams.js';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Farm } from '../farm.js';
import { tileState } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import type { Assigner } from './assign.js';
import type { Collector } from './collect.js';
import { clearJob } from './end-job.js';
import type { Feeder } from './feed.js';
import { isStreamLost } from './stream-lost.js';

const EVERY_MS = 5_000;

/** Gives agents what they need for a job: its consumer and its record. Assignments come after it. */
async function openJobOnBus(farm: Farm, record: JobRecord): Promise<void> {
  const { bus, signal } = farm;
  await ensureJobConsumer(bus, record.jobId, signal);
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(
    `copy record of ${record.jobId}`,
    () => bucket.put(record.jobId, encodeRecordCopy(record)),
    signal,
  );
}

/** Opens a job that may end meanwhile: its end clears the bus once, and what came behind that is cleared here. */
export async function openLiveJob(farm: Farm, collector: Collector, job: LiveJob): Promise<void> {
  await openJobOnBus(farm, job.record);
  if (job.isEnding) await clearUnlessLive(farm, collector, job.jobId);
}

/** At start, before anything is collected or fed. */
export async function reconcileAtStart(farm: Farm, collector: Collector): Promise<void> {
  const { bus, log, jobs } = farm;
  for (const jobId of await jobsOnBus(farm)) {
    if (jobs.liveJob(jobId)) continue;
    log.info({ jobId }, 'job is not running; its tiles and results are purged');
    await clearUnlessLive(farm, collector, jobId);
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

/**
 * Ids of all jobs of which the bus holds a record, a tile, a result or a consumer. Subjects that no part of the farm
 * writes are purged: anybody on the bus can write them, and nobody reads them.
 */
async function jobsOnBus(farm: Farm): Promise<Set<JobId>> {
  const { bus, signal, log } = farm;
  const ids = new Set<JobId>();
  const add = (id: string | undefined): boolean => {
    const parsed = jobIdSchema.safeParse(id);
    if (parsed.success) ids.add(parsed.data);
    else log.warn({ jobId: id }, 'the bus holds something of a job that cannot be; it is left out');
    return parsed.success;
  };
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(
    'list records of jobs',
    async () => {
      for await (const key of await bucket.keys()) add(key);
    },
    signal,
  );
  for (const [stream, all] of [
    [bus.names.tilesStream, bus.names.tilesAll],
    [bus.names.resultsStream, bus.names.resultsAll],
  ] as const) {
    for (const subject of await subjectsOf(farm, stream, all)) {
      const tokens = subject.slice(bus.names.prefix.length + 1).split('.');
      if (add(tokens[1]) && tokens.length > 2) continue;
      await retryCall(`purge ${subject}`, () => bus.jsm.streams.purge(stream, { filter: subject }), signal);
    }
  }
  await retryCall(
    'list consumers',
    async () => {
      for await (const consumer of bus.jsm.consumers.list(bus.names.tilesStream)) add(consumer.name);
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
  assigner: Assigner,
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
      if (await assigner.isOverwritten()) onRestored();
      for (const job of farm.jobs.liveJobs()) {
        await mendJobOnBus(farm, job, collector);
        await findMissing(farm, job, collector);
      }
      feeder.kick();
    } catch (err) {
      if (!farm.signal.aborted) farm.log.warn({ err }, 'reconciling was interrupted; trying again');
    }
  }
}

/**
 * JetStream's store was lost, in whole or in part, or put back to an older state: what has been read is further than
 * what is there.
 */
async function isBusLost(farm: Farm, collector: Collector): Promise<boolean> {
  const { bus, signal } = farm;
  const { names } = bus;
  const taken = collector.lastSequence;
  const look = (stream: string) =>
    retryCall(`look at stream ${stream}`, () => bus.jsm.streams.info(stream), signal);
  try {
    const results = await look(names.resultsStream);
    if (results.state.last_seq < taken) return true;
    const buckets = [names.assignmentsBucket, names.jobsBucket].map((bucket) => `KV_${bucket}`);
    for (const stream of [names.tilesStream, names.eventsStream, ...buckets]) await look(stream);
    return false;
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
  for (const job of farm.jobs.liveJobs()) if (!job.isEnding) await openLiveJob(farm, collector, job);
}

/** Results that an agent published after its job had ended. */
async function purgeStrays(farm: Farm, collector: Collector): Promise<void> {
  for (const jobId of [...collector.strays]) {
    collector.strays.delete(jobId);
    await clearUnlessLive(farm, collector, jobId);
  }
}

/** A job may have been submitted or retried since: what the bus holds of it is wanted then. */
async function clearUnlessLive(farm: Farm, collector: Collector, jobId: JobId): Promise<void> {
  await farm.jobs.turns.take(jobId, async () => {
    if (!farm.jobs.liveJob(jobId)) await clearJob(farm, collector, jobId);
  });
}

/** A job's record and consumer may have been overwritten or deleted by whoever can write on the bus. */
async function mendJobOnBus(farm: Farm, job: LiveJob, collector: Collector): Promise<void> {
  const { bus, signal, log } = farm;
  const { jobId } = job;
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  const entry = await retryCall(`look at record of ${jobId}`, () => bucket.get(jobId), signal);
  const isIntact =
    entry?.operation === 'PUT' && Buffer.compare(entry.value, encodeRecordCopy(job.record)) === 0;
  // A job that was submitted this moment is opened twice then, which does no harm.
  if (job.isEnding || (isIntact && (await isConsumerThere(farm, jobId)))) return;
  log.warn({ jobId }, 'the record or consumer of a job was not as it should be on the bus; made again');
  await openLiveJob(farm, collector, job);
}

async function isConsumerThere(farm: Farm, jobId: JobId): Promise<boolean> {
  const { bus, signal } = farm;
  try {
    await retryCall(
      `look at consumer ${jobId}`,
      () => bus.jsm.consumers.info(bus.names.tilesStream, bus.names.consumer(jobId)),
      signal,
    );
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return false;
    throw error;
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
  for (const { open: frame, tile, attempt } of suspects) {
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
