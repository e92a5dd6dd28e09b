/** What a job asks of the scheduler, from the wire and back. */
import { z } from 'zod';
import { type JobNeeds, type JobSchedule, jobScheduleSchema } from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { JobNeeds__Output } from '#shared/wire/generated/guian/v1/JobNeeds.js';
import type {
  JobSchedule__Output,
  JobSchedule as WireSchedule,
} from '#shared/wire/generated/guian/v1/JobSchedule.js';
import { parseField } from '../../jobs/job-draft.js';
import { distinct } from './distinct.js';

const FIELD = 'spec.schedule';
const previewSamplesSchema = z.int().min(0).max(LIMITS.samplesMax);

/**
 * On the wire, 0 and empty mean "left out", as they do in the schema's defaults.
 * @throws JOB_SPEC_INVALID naming the field, the value and what is allowed.
 */
export function toSchedule(schedule: JobSchedule__Output | null): JobSchedule {
  if (!schedule) return parseField(jobScheduleSchema, {}, FIELD) as JobSchedule;
  if (schedule.previewJobId !== '')
    throw new FarmError(
      'JOB_SPEC_INVALID',
      `${FIELD}.preview_job_id is of answers only; leave it out, and ask for a preview with preview_samples`,
      { field: `${FIELD}.preview_job_id` },
    );
  const { priority, preempt, frameOrder, tileOrder, needs } = schedule;
  const draft = {
    ...(priority !== undefined && { priority }),
    maxSlots: schedule.maxSlots,
    licences: distinct(schedule.licences, `${FIELD}.licences`),
    after: distinct(schedule.after, `${FIELD}.after`),
    afterFrames: schedule.afterFrames,
    startAtMs: schedule.startAtMs,
    isPaused: schedule.paused,
    ...(preempt !== '' && { preempt }),
    ...(frameOrder !== '' && { frameOrder }),
    ...(tileOrder !== '' && { tileOrder }),
    ...(needs && { needs: toNeeds(needs) }),
  };
  return parseField(jobScheduleSchema, draft, FIELD) as JobSchedule;
}

/** 0: none. */
export function toPreviewSamples(schedule: JobSchedule__Output | null): number {
  const samples = schedule?.previewSamples ?? 0;
  return parseField(previewSamplesSchema, samples, `${FIELD}.preview_samples`) as number;
}

function toNeeds({ pool, tags, cores, memoryBytes, gpus, gpuMemoryBytes }: JobNeeds__Output) {
  return {
    ...(pool !== '' && { pool }),
    tags: distinct(tags, `${FIELD}.needs.tags`),
    cores,
    memoryBytes,
    gpus,
    gpuMemoryBytes,
  };
}

/** As it was submitted: what is in force now is in the job's own fields. */
export function toWireSchedule(schedule: JobSchedule): WireSchedule {
  const { isPaused, licences, after, needs, previewJobId, ...rest } = schedule;
  return {
    ...rest,
    startAtMs: Math.round(schedule.startAtMs),
    licences: [...licences],
    after: [...after],
    paused: isPaused,
    needs: toWireNeeds(needs),
    previewJobId: previewJobId ?? '',
  };
}

function toWireNeeds({ pool = '', tags, ...numbers }: JobNeeds) {
  return { ...numbers, pool, tags: [...tags] };
}
