/** One job from the client's side: upload, submit, watch, and fetch each frame as it finishes. */
import pLimit from 'p-limit';
import { newIdempotencyKey } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { SubmitJobResponse__Output } from '#shared/wire/generated/guian/v1/SubmitJobResponse.js';
import { downloadFrame } from './download-frame.js';
import { listFrames } from './list-frames.js';
import type { Progress } from './progress.js';
import type { ScenePackage } from './scene-package.js';
import { uploadPackage } from './upload-package.js';
import { watchJob } from './watch-job.js';

const DOWNLOADS_AT_ONCE = 2;
/** Judging a large scene takes its time. */
const SUBMIT_DEADLINE_MS = 120_000;
const SUBMIT_TRIES_MAX = 5;

/** Uploads what is missing and submits; safe to be cut off anywhere, since both can be done again. */
export async function submitJob(
  farm: CoordinatorClient,
  scene: ScenePackage,
  spec: JobSpec,
  signal: AbortSignal,
): Promise<Job__Output> {
  const idempotencyKey = newIdempotencyKey();
  for (let attempt = 1; ; attempt++) {
    await uploadPackage(farm, scene, signal);
    try {
      const answer = await call<SubmitJobResponse__Output>(
        farm,
        (options, done) => farm.jobs.submit({ idempotencyKey, spec }, options, done),
        SUBMIT_DEADLINE_MS,
      );
      if (!answer.job)
        throw new FarmError('MESSAGE_INVALID', 'the coordinator took the job but sent no record of it');
      return answer.job;
    } catch (error) {
      signal.throwIfAborted();
      const code = error instanceof FarmError ? error.code : undefined;
      // The answer was lost, or a blob was evicted in between: the same key makes it the same job.
      const canHelp = code === 'COORDINATOR_UNAVAILABLE' || code === 'BLOBS_MISSING';
      if (!canHelp || attempt === SUBMIT_TRIES_MAX) throw error;
    }
  }
}

export interface JobOutcome {
  readonly job: Job__Output;
  /** Frame number → paths of its files, in the order of the job's formats. */
  readonly files: ReadonlyMap<number, readonly string[]>;
}

/** Watches the job to its end and fetches its frames into `folder` meanwhile. */
export async function collectJob(
  farm: CoordinatorClient,
  job: Job__Output,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<JobOutcome> {
  const formats = job.spec?.settings?.formats ?? [];
  const files = new Map<number, readonly string[]>();
  const limit = pLimit(DOWNLOADS_AT_ONCE);
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const downloads = new Map<number, Promise<void>>();
  const fetchFrame = (frame: number): void => {
    if (downloads.has(frame)) return;
    const download = limit(async () => {
      const paths: string[] = [];
      for (const format of formats) {
        paths.push(await downloadFrame(farm, { jobId: job.jobId, frame, format }, folder, either));
      }
      files.set(frame, paths);
      progress.frameWritten(frame, paths);
    });
    // The first failure ends the watch, so that a full disk is told at once; it is thrown below.
    download.catch((error) => stop.abort(error));
    downloads.set(frame, download);
  };
  try {
    for await (const event of watchJob(farm, job.jobId, either)) {
      progress.event(event);
      if (event.kind === 'frame_finished' && event.frame !== undefined) fetchFrame(event.frame);
    }
    // Events tell early; the list of frames is what counts.
    for (const record of await listFrames(farm, job.jobId)) {
      if (record.state === 'finished') fetchFrame(record.frame);
    }
    await Promise.all(downloads.values());
  } finally {
    stop.abort(new FarmError('RENDER_CANCELLED', 'the job is no longer watched'));
    await Promise.allSettled(downloads.values());
  }
  const ended = await call<Job__Output>(farm, (options, done) =>
    farm.jobs.get({ jobId: job.jobId }, options, done),
  );
  return { job: ended, files };
}

/** Asks once; whoever calls this is leaving and cannot wait. */
export async function cancelJob(farm: CoordinatorClient, jobId: string): Promise<Job__Output> {
  return call<Job__Output>(farm, (options, done) => farm.jobs.cancel({ jobId }, options, done), 5_000);
}
