/** JobService: wire request → `JobSpec`; validated, stored, answered. What admins change of a job is in admin/. */
import { formatFrameRange } from '#shared/domain/frame-range.js';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { isJobEnded } from '#shared/state/job-state.js';
import type { JobServiceHandlers } from '#shared/wire/generated/guian/v1/JobService.js';
import type { Admin } from '../../admin/admin.js';
import { effectiveJob } from '../../admin/effective.js';
import type { Farm } from '../../farm.js';
import type { JobView } from '../../jobs/job-registry.js';
import type { JobSubmitter } from '../../jobs/submit-job.js';
import type { SchedulerView } from '../../scheduling/scheduler-view.js';
import { serverStream, unary } from './handlers.js';
import { toActor, toJobAction } from './to-action.js';
import { toFramesText, toIdempotencyKey, toJobDraft, toPageSize, toStateFilter } from './to-domain.js';
import { toWireJob, toWireWait } from './to-wire.js';
import { watchJob } from './watch-job.js';

const PAGE_SIZE = 100;
const PAGE_SIZE_MAX = 1_000;

export interface JobServiceHooks {
  readonly submitter: JobSubmitter;
  /** @throws JOB_NOT_FOUND, JOB_ALREADY_FINISHED */
  cancel(jobId: string): Promise<JobView>;
  /** See jobs/retry-job.ts. @returns the frames that are rendered again. */
  retry(jobId: string, frames: string): Promise<readonly number[]>;
  readonly admin: Admin;
  readonly scheduler: SchedulerView;
}

export function jobService(farm: Farm, hooks: JobServiceHooks): JobServiceHandlers {
  const { admin, scheduler } = hooks;
  const show = (view: JobView) => {
    const effective = effectiveJob(view.record.schedule, admin.settings.jobs.get(view.jobId));
    if (isJobEnded(view.state)) return toWireJob(view, { effective, slots: 0 });
    const slots = scheduler.slotsOf(view.jobId);
    // What has slots does not wait for anything that would have to be said in short.
    const wait = slots === 0 ? scheduler.whyJob(view.jobId).waits[0] : undefined;
    return toWireJob(view, { effective, slots, wait });
  };
  return {
    Submit: unary(farm.log, async (request) => {
      const key = toIdempotencyKey(request.idempotencyKey);
      const { record, existed } = await hooks.submitter.submit(key, toJobDraft(request.spec), request.spec);
      return { job: show(farm.jobs.view(record.jobId)), existed };
    }),

    Get: unary(farm.log, ({ jobId }) => show(farm.jobs.view(jobId))),

    List: unary(farm.log, (request) => {
      const size = toPageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
      const state = toStateFilter(request.state);
      const jobs: JobView[] = [];
      let isPastToken = request.pageToken === '';
      for (const view of farm.jobs.newestFirst()) {
        if (isPastToken && (state === undefined || view.state === state)) {
          if (jobs.length === size) return { jobs: jobs.map(show), nextPageToken: jobs[size - 1]!.jobId };
          jobs.push(view);
        }
        if (view.jobId === request.pageToken) isPastToken = true;
      }
      if (!isPastToken)
        throw new FarmError(
          'JOB_SPEC_INVALID',
          `page_token ${JSON.stringify(request.pageToken.slice(0, 140))} is not one of this list; start without it`,
        );
      return { jobs: jobs.map(show), nextPageToken: '' };
    }),

    Watch: serverStream(farm.log, (request, send, signal) =>
      watchJob(farm, request.jobId, request, send, signal),
    ),

    Cancel: unary(farm.log, async ({ jobId }) => show(await hooks.cancel(jobId))),

    Retry: unary(farm.log, async (request) => {
      const afterSequence = await lastEventOf(farm, farm.jobs.get(request.jobId).record.jobId);
      const frames = await hooks.retry(request.jobId, toFramesText(request.frames));
      const job = show(farm.jobs.view(request.jobId));
      return { job, frames: formatFrameRange(frames), afterSequence };
    }),

    Why: unary(farm.log, (request) => {
      const { jobId, state } = farm.jobs.view(request.jobId);
      if (isJobEnded(state)) return { jobId, state };
      const { slots, slotsWanted, waits } = scheduler.whyJob(jobId);
      return { jobId, state, slots, slotsWanted, waits: waits.map(toWireWait) };
    }),

    Control: unary(farm.log, async (request) => {
      const { jobId } = farm.jobs.view(request.jobId);
      const action = toJobAction(request, jobId);
      await admin.apply(toActor(request.actor), action, () => assertRuns(farm.jobs.view(jobId)));
      return show(farm.jobs.view(jobId));
    }),
  };
}

/** @throws JOB_ALREADY_FINISHED */
function assertRuns({ jobId, state }: JobView): void {
  if (!isJobEnded(state)) return;
  throw new FarmError(
    'JOB_ALREADY_FINISHED',
    `job ${jobId} is ${state}: there is nothing to schedule any more${state === 'finished_with_failures' ? `; "guian job retry ${jobId}" renders its failed frames again` : ''}`,
    { jobId },
  );
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
