/** JobService: wire request → `JobSpec`; validated, stored, answered. */
import { formatFrameRange } from '#shared/domain/frame-range.js';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import type { JobServiceHandlers } from '#shared/wire/generated/guian/v1/JobService.js';
import type { Farm } from '../../farm.js';
import type { JobView } from '../../jobs/job-registry.js';
import type { JobSubmitter } from '../../jobs/submit-job.js';
import { serverStream, unary } from './handlers.js';
import { toFramesText, toIdempotencyKey, toJobDraft, toPageSize, toStateFilter } from './to-domain.js';
import { toWireJob } from './to-wire.js';
import { watchJob } from './watch-job.js';

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;

export interface JobServiceHooks {
  readonly submitter: JobSubmitter;
  /** @throws JOB_NOT_FOUND, JOB_ALREADY_FINISHED */
  cancel(jobId: string): Promise<JobView>;
  /** See jobs/retry-job.ts. @returns the frames that are rendered again. */
  retry(jobId: string, frames: string): Promise<readonly number[]>;
}

export function jobService(farm: Farm, hooks: JobServiceHooks): JobServiceHandlers {
  return {
    Submit: unary(farm.log, async (request) => {
      const key = toIdempotencyKey(request.idempotencyKey);
      const { record, existed } = await hooks.submitter.submit(key, toJobDraft(request.spec), request.spec);
      return { job: toWireJob(farm.jobs.view(record.jobId)), existed };
    }),

    Get: unary(farm.log, ({ jobId }) => toWireJob(farm.jobs.view(jobId))),

    List: unary(farm.log, (request) => {
      const size = toPageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
      const state = toStateFilter(request.state);
      const jobs: JobView[] = [];
      let isPastToken = request.pageToken === '';
      for (const view of farm.jobs.newestFirst()) {
        if (isPastToken && (state === undefined || view.state === state)) {
          if (jobs.length === size)
            return { jobs: jobs.map(toWireJob), nextPageToken: jobs[size - 1]!.jobId };
          jobs.push(view);
        }
        if (view.jobId === request.pageToken) isPastToken = true;
      }
      if (!isPastToken)
        throw new FarmError(
          'JOB_SPEC_INVALID',
          `page_token ${JSON.stringify(request.pageToken.slice(0, 140))} is not one of this list; start without it`,
        );
      return { jobs: jobs.map(toWireJob), nextPageToken: '' };
    }),

    Watch: serverStream(farm.log, (request, send, signal) =>
      watchJob(farm, request.jobId, request, send, signal),
    ),

    Cancel: unary(farm.log, async ({ jobId }) => toWireJob(await hooks.cancel(jobId))),

    Retry: unary(farm.log, async (request) => {
      const afterSequence = await lastEventOf(farm, farm.jobs.get(request.jobId).record.jobId);
      const frames = await hooks.retry(request.jobId, toFramesText(request.frames));
      const job = toWireJob(farm.jobs.view(request.jobId));
      return { job, frames: formatFrameRange(frames), afterSequence };
    }),
  };
}

/** Where a watch starts that shows what happens from now on. A bus that is away just now must not stop anybody: then 0. */
async function lastEventOf(farm: Farm, jobId: JobId): Promise<number> {
  const { jsm, names } = farm.bus;
  const last = await jsm.streams
    .getMessage(names.eventsStream, { last_by_subj: names.event(jobId) })
    .catch((err: unknown) => {
      farm.log.debug({ jobId, err }, 'last event of the job not found');
      return null;
    });
  return last?.seq ?? 0;
}
