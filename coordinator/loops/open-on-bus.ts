/** What agents need of a running job on the bus: its consumer and its record. Assignments come after it. */
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { encodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { ensureJobConsumer } from '#shared/bus/streams.js';
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { clearJob, type ResultPurger } from './end-job.js';
import { tellRepaired } from './tell-repaired.js';

/** Jobs that this run has opened: what they lack on the bus since, somebody took away. */
const opened = new WeakSet<LiveJob>();

/** Jobs whose record on the bus is being replaced: an old one there is nobody's fault. */
const replacing = new WeakSet<LiveJob>();

/** Puts a job's new record in the place of the one that agents have. The job may end meanwhile, as below. */
export async function replaceRecord(farm: Farm, results: ResultPurger, job: LiveJob): Promise<void> {
  replacing.add(job);
  try {
    await writeRecord(farm, job);
  } finally {
    replacing.delete(job);
  }
  if (job.isEnding) await clearUnlessLive(farm, results, job.jobId);
}

/** Opens a job that may end meanwhile: its end clears the bus once, and what came behind that is cleared here. */
export async function openLiveJob(farm: Farm, results: ResultPurger, job: LiveJob): Promise<void> {
  await ensureJobConsumer(farm.bus, job.jobId, farm.signal);
  await writeRecord(farm, job);
  opened.add(job);
  if (job.isEnding) await clearUnlessLive(farm, results, job.jobId);
}

/**
 * Puts right what is not as it should be on the bus: whoever can write there can overwrite or delete it, and a server may
 * have lost it. A job that ends meanwhile is to be cleared again by whoever called. @returns whether something was.
 */
export async function mendJobOnBus(farm: Farm, job: LiveJob): Promise<boolean> {
  if (job.isEnding || replacing.has(job)) return false;
  const { bus, signal } = farm;
  const { jobId } = job;
  const repairs: string[] = [];
  if (!(await isRecordIntact(farm, job))) {
    await writeRecord(farm, job);
    repairs.push('its record on the bus was missing or overwritten, and is written again');
  }
  const consumer = await consumerState(farm, jobId);
  if (consumer !== 'right') {
    if (consumer === 'wrong')
      await retryCall(
        `delete consumer ${jobId}`,
        () => bus.jsm.consumers.delete(bus.names.tilesStream, bus.names.consumer(jobId)),
        signal,
      );
    await ensureJobConsumer(bus, jobId, signal);
    repairs.push(
      `the consumer of its tiles was ${consumer === 'wrong' ? 'changed' : 'gone'}, and is made again`,
    );
  }
  // What was submitted, or killed right behind it, is merely not there yet.
  if (repairs.length > 0 && (opened.has(job) || job.state !== 'queued'))
    tellRepaired(farm, job, repairs.join('; '));
  opened.add(job);
  return repairs.length > 0;
}

/** A job may have been submitted or retried since: what the bus holds of it is wanted then. */
export async function clearUnlessLive(farm: Farm, results: ResultPurger, jobId: JobId): Promise<void> {
  await farm.jobs.turns.take(jobId, async () => {
    if (!farm.jobs.liveJob(jobId)) await clearJob(farm, results, jobId);
  });
}

/** The last record that it writes is the job's own, even when that changes while it does. */
async function writeRecord({ bus, signal }: Farm, job: LiveJob): Promise<void> {
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  let written: JobRecord | undefined;
  const put = () => {
    written = job.record;
    return bucket.put(job.jobId, encodeRecordCopy(written));
  };
  while (written !== job.record) await retryCall(`copy record of ${job.jobId}`, put, signal);
}

async function isRecordIntact({ bus, signal }: Farm, { jobId, record }: LiveJob): Promise<boolean> {
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  const entry = await retryCall(`look at record of ${jobId}`, () => bucket.get(jobId), signal);
  return entry?.operation === 'PUT' && Buffer.compare(entry.value, encodeRecordCopy(record)) === 0;
}

async function consumerState({ bus, signal }: Farm, jobId: JobId): Promise<'right' | 'wrong' | 'gone'> {
  try {
    const { config } = await retryCall(
      `look at consumer ${jobId}`,
      () => bus.jsm.consumers.info(bus.names.tilesStream, bus.names.consumer(jobId)),
      signal,
    );
    const isRight =
      config.filter_subject === bus.names.tilesOfJob(jobId) &&
      config.ack_policy === 'explicit' &&
      !config.deliver_subject;
    return isRight ? 'right' : 'wrong';
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound)
      return 'gone';
    throw error;
  }
}
