/** Every job that the coordinator knows: the running ones with their tiles, the ended ones by their records. */
import type { IdempotencyKey, JobId } from '#shared/domain/ids.js';
import type { JobRecord, JobState } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import type { EndedRecord } from '../adapters/store/records.js';
import { EndedJob } from './ended-job.js';
import { EndedTotals } from './ended-totals.js';
import type { JobProgress } from './job-progress.js';
import { JobTurns } from './job-turns.js';
import { JobWaits } from './job-waits.js';
import { LiveJob } from './live-job.js';

/** A job as clients see it. */
export interface JobView {
  readonly jobId: JobId;
  /** Of an ended job, it is unpacked at each look. */
  readonly record: JobRecord;
  readonly state: JobState;
  readonly finishedAtMs: number;
  readonly progress: JobProgress;
  readonly tilesPerFrame: number;
  /** What keeps it from going on, if anything. */
  readonly waitsFor: string | undefined;
}

export class JobRegistry {
  readonly turns = new JobTurns();
  readonly waits = new JobWaits();
  readonly ended = new EndedTotals();
  private readonly jobs = new Map<JobId, LiveJob | EndedJob>();
  private readonly live = new Map<JobId, LiveJob>();
  private readonly keys = new Map<IdempotencyKey, JobId>();
  /** Blobs of the packages of all jobs: no job is ever forgotten. */
  private readonly digests = new Set<string>();

  /** Adds a job that runs, or puts it in the place of the one that had ended. */
  addLive(job: LiveJob): void {
    this.uncount(job.jobId);
    this.jobs.set(job.jobId, job);
    this.live.set(job.jobId, job);
    this.remember(job.record);
  }

  /** Adds an ended job, or puts it in the place of the live one. */
  addEnded({ record, ended }: { readonly record: JobRecord; readonly ended: EndedRecord }): void {
    this.live.delete(record.jobId);
    this.uncount(record.jobId);
    this.ended.add(ended);
    this.jobs.set(record.jobId, new EndedJob(record, ended));
    this.remember(record);
  }

  has(jobId: string): boolean {
    return this.jobs.has(jobId as JobId);
  }

  /** Ids of jobs that have ended. */
  *endedJobs(): Generator<JobId> {
    for (const [jobId, job] of this.jobs) if (job instanceof EndedJob) yield jobId;
  }

  /** Whether some job's package has this blob. */
  isReferenced(digest: string): boolean {
    return this.digests.has(digest);
  }

  /** Jobs that have not ended, oldest first. */
  liveJobs(): readonly LiveJob[] {
    return [...this.live.values()];
  }

  liveJob(jobId: string): LiveJob | undefined {
    return this.live.get(jobId as JobId);
  }

  byKey(key: IdempotencyKey): JobRecord | undefined {
    const jobId = this.keys.get(key);
    return jobId === undefined ? undefined : this.get(jobId).record;
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

  /** Without unpacking anything. @throws JOB_NOT_FOUND */
  stateOf(jobId: string): JobState {
    const job = this.get(jobId);
    return job instanceof LiveJob ? job.state : job.ended.state;
  }

  /** What each of its slots needs, without unpacking anything; nothing of a job that nobody knows. */
  licencesOf(jobId: JobId): readonly string[] {
    const job = this.jobs.get(jobId);
    if (!job) return [];
    return job instanceof LiveJob ? job.record.schedule.licences : job.licences;
  }

  /** @throws JOB_NOT_FOUND */
  view(jobId: string): JobView {
    return this.viewOf(this.get(jobId));
  }

  /** Newest first. */
  *newestFirst(): Generator<JobView> {
    const jobs = [...this.jobs.values()].sort(
      (a, b) => createdAtMs(b) - createdAtMs(a) || (a.jobId < b.jobId ? 1 : -1),
    );
    for (const job of jobs) yield this.viewOf(job);
  }

  private viewOf(job: LiveJob | EndedJob): JobView {
    return viewOf(job, this.waits.reasonOf(job.jobId));
  }

  private uncount(jobId: JobId): void {
    const before = this.jobs.get(jobId);
    if (before instanceof EndedJob) this.ended.takeBack(before.ended);
  }

  private remember(record: JobRecord): void {
    this.keys.set(record.idempotencyKey, record.jobId);
    for (const { digest } of record.manifest.files) this.digests.add(digest);
  }
}

export function viewOf(job: LiveJob | EndedJob, waitsFor?: string): JobView {
  if (job instanceof LiveJob)
    return {
      jobId: job.jobId,
      record: job.record,
      state: job.state,
      finishedAtMs: 0,
      progress: job.progress(),
      tilesPerFrame: job.grid.count,
      waitsFor,
    };
  const { ended, framesTotal, tilesPerFrame } = job;
  return {
    jobId: job.jobId,
    get record() {
      return job.record;
    },
    state: ended.state,
    finishedAtMs: ended.finishedAtMs,
    progress: {
      framesTotal,
      framesFinished: ended.framesFinished,
      framesFailed: ended.framesFailed,
      tilesTotal: ended.tilesTotal || framesTotal * tilesPerFrame,
      tilesDone: ended.tilesDone,
      tilesFailed: ended.tilesFailed,
      tilesQueued: 0,
      coreSeconds: ended.coreSeconds,
      attemptsFailed: ended.attemptsFailed,
      tilesSpeculated: ended.tilesSpeculated,
      tilesVerified: ended.tilesVerified,
    },
    tilesPerFrame,
    waitsFor: undefined,
  };
}

function createdAtMs(job: LiveJob | EndedJob): number {
  return job instanceof LiveJob ? job.record.createdAtMs : job.createdAtMs;
}
