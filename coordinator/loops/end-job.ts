/**
 * How a job ends: recorded in the store first, told second, cleared from the bus last. Each step may be repeated: a
 * coordinator that is killed between two of them clears up at its next start.
 */
import { retryCall } from '#shared/bus/retry-call.js';
import { removeJobFromQueue } from '#shared/bus/streams.js';
import type { JobId } from '#shared/domain/ids.js';
import type { JobState } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import {
  isJobEnded,
  type JobEventName,
  nextJobState,
  type TerminalJobState,
} from '#shared/state/job-state.js';
import type { EndedRecord } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { EndedJob } from '../jobs/ended-job.js';
import type { LiveJob } from '../jobs/live-job.js';
import { isStreamLost } from './stream-lost.js';
import { withDisk } from './with-disk.js';

/** The one who reads results purges them (result-reader.ts). */
export interface ResultPurger {
  purge(filter: string): Promise<void>;
  /** Gives up what memory holds of a job's open frames. */
  forget(job: LiveJob): void;
}

/** Ends a job whose end is not under way, in a turn of its own (job-turns.ts). Resolves when it is recorded and nothing of it is left on the bus. */
export async function endJob(
  farm: Farm,
  results: ResultPurger,
  job: LiveJob,
  event: JobEventName,
  onRecorded: () => void,
): Promise<void> {
  invariant(!job.isEnding, `job ${job.jobId} ends once`);
  const state = nextJobState(job.state, event);
  invariant(isJobEnded(state), `${event} ends a job`);
  job.isEnding = true;
  const progress = job.progress();
  const ended: EndedRecord = {
    state,
    finishedAtMs: farm.clock.nowMs(),
    framesFinished: progress.framesFinished,
    framesFailed: progress.framesFailed,
    tilesDone: progress.tilesDone,
    tilesFailed: progress.tilesFailed,
    coreSeconds: progress.coreSeconds,
    attemptsFailed: progress.attemptsFailed,
    tilesSpeculated: progress.tilesSpeculated,
    tilesVerified: progress.tilesVerified,
    tilesTotal: progress.tilesTotal,
    retry: job.frameRetries.count,
  };
  await withDisk(farm, job.jobId, 'end of job', () => recordEnd(farm, job.jobId, ended));
  farm.log.info({ jobId: job.jobId, from: job.state, to: state, event }, 'job state changed');
  job.state = state;
  results.forget(job);
  farm.jobs.addEnded({ record: job.record, ended });
  onRecorded();
  const told = tellEnd(farm, job.jobId, ended, progress.framesTotal);
  // A publish in flight would land behind the purge. What is left on the bus says that the end may not be told.
  await Promise.allSettled([...job.publishes, told]);
  await clearJob(farm, results, job.jobId);
}

/** Somebody may have removed the job's folder by hand: then nothing is left whose end could be recorded. */
async function recordEnd({ store, log }: Farm, jobId: JobId, ended: EndedRecord): Promise<void> {
  await store.jobs.writeEnd(jobId, ended).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    log.error({ jobId, err: error }, 'the folder of a job is gone; it ends without a record');
  });
}

function tellEnd(farm: Farm, jobId: JobId, ended: EndedRecord, framesTotal: number): Promise<void> {
  const { state } = ended;
  return farm.events.publish({
    jobId,
    kind: state === 'cancelled' ? 'cancelled' : 'finished',
    state,
    message: endMessage(state, ended, framesTotal),
  });
}

/** At start, of a job that is on the bus and does not run: an earlier run may have recorded its end and been killed then. */
export async function tellEndUnlessTold(farm: Farm, jobId: JobId): Promise<void> {
  const job = farm.jobs.has(jobId) ? farm.jobs.get(jobId) : undefined;
  if (!(job instanceof EndedJob)) return;
  const last = await farm.events.resume(jobId);
  if (last && isJobEnded(last.state as JobState)) return;
  await tellEnd(farm, jobId, job.ended, job.framesTotal);
}

/** Removes whatever the bus holds of a job that has ended or is unknown. */
export async function clearJob(farm: Farm, results: ResultPurger, jobId: JobId): Promise<void> {
  const { bus, signal } = farm;
  await removeJobFromQueue(bus, jobId, signal).catch((error: unknown) => {
    if (!isStreamLost(error)) throw error;
  });
  await results.purge(bus.names.resultsOfJob(jobId));
  await removeRecord(farm, jobId).catch((error: unknown) => {
    if (!isStreamLost(error)) throw error;
  });
}

async function removeRecord({ bus, signal }: Farm, jobId: JobId): Promise<void> {
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(`remove record of ${jobId}`, () => bucket.delete(jobId), signal);
}

function endMessage(state: TerminalJobState, ended: EndedRecord, framesTotal: number): string {
  switch (state) {
    case 'finished':
      return framesTotal === 1 ? 'the frame is finished' : `all ${framesTotal} frames finished`;
    case 'finished_with_failures':
      return `${ended.framesFailed} of ${framesTotal} frames failed`;
    case 'cancelled':
      return `cancelled after ${ended.framesFinished} of ${framesTotal} frames`;
    default:
      throw state satisfies never;
  }
}
