/** Every job that the coordinator knows: the running ones with their tiles, the ended ones by their records. */
import type { IdempotencyKey, JobId } from '#shared/domain/ids.js';
import type { JobRecord, JobState } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import type { EndedRecord } from '../adapters/store/records.js';
import { tileGrid } from '../planning/tile-grid.js';
import { JobTurns } from './job-turns.js';
import { type JobProgress, LiveJob } from './live-job.js';

export interface EndedJob {
  readonly record: JobRecord;
  readonly ended: EndedRecord;
}

/** A job as clients see it. */
export interface JobView {
  readonly record: JobRecord;
  readonly state: JobState;
  readonly finishedAtMs: number;
  readonly progress: JobProgress;
  readonly tilesPerFrame: number;
}

export class JobRegistry {
  readonly turns = new JobTurns();
  private readonly jobs = new Map<JobId, LiveJob | EndedJob>();
  private readonly live = new Map<JobId, LiveJob>();
  private readonly keys = new Map<IdempotencyKey, JobRecord>();

  /** Adds a job that runs, or puts it in the place of the one that had ended. */
  addLive(job: LiveJob): void {
    this.jobs.set(job.jobId, job);
    this.live.set(job.jobId, job);
    this.keys.set(job.record.idempotencyKey, job.record);
  }

  /** Adds an ended job, or puts it in the place of the live one. */
  addEnded(job: EndedJob): void {
    this.live.delete(job.record.jobId);
    this.jobs.set(job.record.jobId, job);
    this.keys.set(job.record.idempotencyKey, job.record);
  }

  /** Jobs that have not ended, oldest first. */
  liveJobs(): readonly LiveJob[] {
    return [...this.live.values()];
  }

  liveJob(jobId: string): LiveJob | undefined {
    return this.live.get(jobId as JobId);
  }

  byKey(key: IdempotencyKey): JobRecord | undefined {
    return this.keys.get(key);
  }

  /** @throws JOB_NOT_FOUND */
  get(jobId: string): LiveJob | EndedJob {
    const job = this.jobs.get(jobId as JobId);
    if (!job)
      throw new FarmError(
        'JOB_NOT_FOUND',
        `there is no job ${JSON.stringify(jobId.slice(0, 140))}; "guian jobs" lists them`,
        {
          jobId: jobId.slice(0, 140),
        },
      );
    return job;
  }

  /** @throws JOB_NOT_FOUND */
  view(jobId: string): JobView {
    return viewOf(this.get(jobId));
  }

  /** Newest first. */
  *newestFirst(): Generator<JobView> {
    const jobs = [...this.jobs.values()].sort(
      (a, b) => b.record.createdAtMs - a.record.createdAtMs || (a.record.jobId < b.record.jobId ? 1 : -1),
    );
    for (const job of jobs) yield viewOf(job);
  }
}

export function viewOf(job: LiveJob | EndedJob): JobView {
  if (job instanceof LiveJob)
    return {
      record: job.record,
      state: job.state,
      finishedAtMs: 0,
      progress: job.progress(),
      tilesPerFrame: job.grid.count,
    };
  const { record, ended } = job;
  const tilesPerFrame = tileGrid(record.settings, record.plan).count;
  return {
    record,
    state: ended.state,
    finishedAtMs: ended.finishedAtMs,
    progress: {
      framesTotal: record.frames.length,
      framesFinished: ended.framesFinished,
      framesFailed: ended.framesFailed,
      tilesTotal: record.frames.length * tilesPerFrame,
      tilesDone: ended.tilesDone,
      tilesFailed: ended.tilesFailed,
      tilesQueued: 0,
      coreSeconds: ended.coreSeconds,
    },
    tilesPerFrame,
  };
}
