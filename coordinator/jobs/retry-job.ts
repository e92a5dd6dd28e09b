/**
 * Failed frames are rendered again: those of a job that has ended with failures, which runs again for them, or those of a
 * job that runs, whose other frames go on undisturbed. Frames of an ended job whose records are damaged or gone count as
 * failed, and come along with any retry: nobody knows how they ended, and a job that runs renders what has no record. The plan stays the same, so that finished tiles of other frames
 * keep their worth; attempts count on where they were (records.ts says why that suffices).
 *
 * The order makes a kill at any point harmless: (1) leftovers of the frames' earlier attempts go from the results stream,
 * where nobody needs them; (2) `retries.json` is fsynced, which is the retry; (3) the job is live in memory; (4) it is told,
 * opened on the bus, and the caller gets an answer. Before (2) nothing has happened; after it the next start loads the
 * job as a running one and does (3) and (4) itself.
 */
import { formatFrameRange, parseFrameRange } from '#shared/domain/frame-range.js';
import type { JobRecord } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { invariant } from '#shared/invariant.js';
import { nextJobState } from '#shared/state/job-state.js';
import { DamagedRecord } from '../adapters/store/read-record.js';
import type { FrameResult, RetriesRecord } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { LiveJob } from './live-job.js';
import { toEndedFrame } from './load-jobs.js';

export interface RetryHooks {
  /** Removes results of a subject from the stream. */
  purge(filter: string): Promise<void>;
  /** The job is live: open it on the bus, assign, feed. */
  retried(job: LiveJob): void;
}

/**
 * @param framesText a frame range: the failed ones of these; empty: every failed frame.
 * @returns the frames that are rendered again, once that is fsynced.
 * @throws JOB_NOT_FOUND, JOB_SPEC_INVALID for frames that are none of the job's, NOTHING_TO_RETRY, JOB_ALREADY_FINISHED
 *         for a cancelled job (its other frames were given up, and would stay so), DISK_FULL.
 */
export async function retryJob(
  farm: Farm,
  hooks: RetryHooks,
  jobId: string,
  framesText: string,
): Promise<readonly number[]> {
  const { record } = farm.jobs.get(jobId);
  const wanted = wantedFrames(record, framesText);
  return farm.jobs.turns.take(record.jobId, async () => {
    const live = farm.jobs.liveJob(jobId);
    const again = live
      ? await retryLive(farm, hooks, live, wanted)
      : await retryEnded(farm, hooks, record, wanted);
    return again;
  });
}

type FailedFrame = FrameResult & { state: 'failed' };

async function retryLive(farm: Farm, hooks: RetryHooks, job: LiveJob, wanted: ReadonlySet<number>) {
  invariant(!job.isEnding, `job ${job.jobId} ends in a turn of its own`);
  const again: FailedFrame[] = [];
  for (const frame of job.failedFrames()) {
    const stored = wanted.has(frame) ? await readableFrame(farm, job, frame) : undefined;
    if (stored?.state === 'failed') again.push(stored);
  }
  if (again.length === 0) throw nothingToRetry(job.record, wanted);
  const names = farm.bus.names;
  await Promise.all(again.map(({ frame }) => hooks.purge(names.resultsOfFrame(job.jobId, frame))));
  const retries = withRetryOf(job.frameRetries, again);
  await farm.store.jobs.writeRetries(job.jobId, retries);
  job.retry(again.map(toEndedFrame), retries);
  if (job.state !== 'running') job.state = nextJobState(job.state, 'work_seen');
  job.state = nextJobState(job.state, 'retry_requested');
  return announce(farm, hooks, job, again.map(frameNumber));
}

/** One that was damaged since the job was loaded is lost until the job has ended. */
async function readableFrame(farm: Farm, { jobId }: LiveJob, frame: number) {
  try {
    return await farm.store.jobs.readFrame(jobId, frame);
  } catch (error) {
    if (error instanceof DamagedRecord) return undefined;
    throw error;
  }
}

async function retryEnded(farm: Farm, hooks: RetryHooks, record: JobRecord, wanted: ReadonlySet<number>) {
  const { jobId } = record;
  const { state } = farm.jobs.view(jobId);
  if (state === 'cancelled')
    throw new FarmError(
      'JOB_ALREADY_FINISHED',
      `job ${jobId} was cancelled and cannot be retried; submit the frames that are missing as a new job`,
      { jobId },
    );
  const stored = await farm.store.jobs.readFrames(jobId);
  const readable = new Set(stored.map(frameNumber));
  const lost = record.frames.filter((frame) => !readable.has(frame));
  const again = stored.filter(
    (frame): frame is FailedFrame => frame.state === 'failed' && wanted.has(frame.frame),
  );
  if (again.length === 0 && !lost.some((frame) => wanted.has(frame))) throw nothingToRetry(record, wanted);
  const known = await farm.store.jobs.readRetries(jobId);
  const retries = withRetryOf(known, [...again, ...lost.map((frame) => lostFrame(record, known, frame))]);
  await farm.store.jobs.writeRetries(jobId, retries);
  const others = stored.filter((frame) => !(again as readonly FrameResult[]).includes(frame));
  const layouts = await farm.store.jobs.readLayouts(jobId);
  const job = new LiveJob(record, others.map(toEndedFrame), retries, layouts);
  // Also of one that was finished: by now a frame of it is not.
  job.state = nextJobState('finished_with_failures', 'retry_requested');
  farm.jobs.addLive(job);
  return announce(farm, hooks, job, [...again.map(frameNumber), ...lost]);
}

type Retried = Pick<FailedFrame, 'frame' | 'attemptsUsed' | 'failedTiles'>;

/** How many attempts its tiles had nobody knows; more than all that one run may have had give the next a new name. */
function lostFrame(record: JobRecord, { frames }: RetriesRecord, frame: number): Retried {
  const before = frames.find((retried) => retried.frame === frame)?.attemptsBefore ?? 0;
  return { frame, attemptsUsed: before + record.maxAttempts, failedTiles: [] };
}

const frameNumber = ({ frame }: FrameResult): number => frame;

function announce(farm: Farm, hooks: RetryHooks, job: LiveJob, again: readonly number[]): readonly number[] {
  farm.log.info(
    { jobId: job.jobId, to: job.state, event: 'retry_requested', frames: again.length },
    'job state changed',
  );
  tellRetried(farm, job);
  hooks.retried(job);
  return again;
}

/** Tells the job's last retry. */
export function tellRetried(farm: Farm, job: LiveJob): void {
  const { count, frames } = job.frameRetries;
  const again = frames.filter((frame) => frame.retry === count).map(({ frame }) => frame);
  void farm.events.publish({
    jobId: job.jobId,
    kind: 'retried',
    state: job.state,
    message: `retry ${count}: failed frames ${formatFrameRange(again)} are rendered again`,
  });
}

function withRetryOf(retries: RetriesRecord, again: readonly Retried[]): RetriesRecord {
  const count = retries.count + 1;
  const frames = new Map(retries.frames.map((retried) => [retried.frame, retried]));
  for (const { frame, attemptsUsed, failedTiles } of again) {
    const known = failedTiles.flatMap(({ attempts }) => attempts.map(({ attempt }) => attempt));
    const attemptsBefore = Math.max(attemptsUsed, ...known, frames.get(frame)?.attemptsBefore ?? 0);
    frames.set(frame, { frame, retry: count, attemptsBefore });
  }
  return { count, frames: [...frames.values()].sort((a, b) => a.frame - b.frame) };
}

function wantedFrames(record: JobRecord, text: string): ReadonlySet<number> {
  const own = new Set(record.frames);
  if (text === '') return own;
  const frames = parseFrameRange(text);
  const foreign = frames.find((frame) => !own.has(frame));
  if (foreign === undefined) return new Set(frames);
  const range = formatFrameRange(record.frames);
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `frames "${text.slice(0, 80)}": ${foreign} is not a frame of job ${record.jobId}, which has ${shortened(range)}`,
    { jobId: record.jobId, frame: foreign },
  );
}

function nothingToRetry(record: JobRecord, wanted: ReadonlySet<number>): FarmError {
  const { jobId } = record;
  const which = wanted.size === record.frames.length ? 'no frame' : 'none of these frames';
  return new FarmError(
    'NOTHING_TO_RETRY',
    `job ${jobId}: ${which} has failed, and only failed frames are rendered again; "guian frames ${jobId}" shows them all`,
    { jobId },
  );
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
