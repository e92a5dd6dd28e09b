/** JobService: wire request → `JobSpec`; validated, stored, answered. */
import { FarmError } from '#shared/errors.js';
import type { JobServiceHandlers } from '#shared/wire/generated/guian/v1/JobService.js';
import type { Farm } from '../../farm.js';
import type { JobView } from '../../jobs/job-registry.js';
import type { JobSubmitter } from '../../jobs/submit-job.js';
import { serverStream, unary } from './handlers.js';
import { toIdempotencyKey, toJobDraft, toPageSize, toStateFilter } from './to-domain.js';
import { toWireJob } from './to-wire.js';
import { watchJob } from './watch-job.js';

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;

export interface JobServiceHooks {
  readonly submitter: JobSubmitter;
  /** @throws JOB_NOT_FOUND, JOB_ALREADY_FINISHED */
  cancel(jobId: string): Promise<JobView>;
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
            return { jobs: jobs.map(toWireJob), nextPageToken: jobs[size - 1]!.record.jobId };
          jobs.push(view);
        }
        if (view.record.jobId === request.pageToken) isPastToken = true;
      }
      if (!isPastToken)
        throw new FarmError(
          'JOB_SPEC_INVALID',
          `page_token "${request.pageToken.slice(0, 140)}" is not one of this list; start without it`,
        );
      return { jobs: jobs.map(toWireJob), nextPageToken: '' };
    }),

    Watch: serverStream(farm.log, (request, send, signal) =>
      watchJob(farm, request.jobId, request.afterSequence, send, signal),
    ),

    Cancel: unary(farm.log, async ({ jobId }) => toWireJob(await hooks.cancel(jobId))),
  };
}
