/**
 * The preview of a job: a job of its own, with few samples, that renders the same frames first. The job waits for its end,
 * in whatever way it ends. Its idempotency key follows from the job's, so that a submit which was killed between the two
 * makes no second preview when it is repeated.
 */
import { type IdempotencyKey, idempotencyKeySchema, type JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { JobDraft } from './job-draft.js';

const SUFFIX = '-preview';

/** @throws JOB_SPEC_INVALID */
export function previewKey(key: IdempotencyKey): IdempotencyKey {
  const parsed = idempotencyKeySchema.safeParse(`${key}${SUFFIX}`);
  if (parsed.success) return parsed.data;
  throw new FarmError(
    'JOB_SPEC_INVALID',
    `idempotency_key "${key.slice(0, 40)}…" has ${key.length} characters, and that of its preview ${SUFFIX.length} more: take one of at most ${LIMITS.nameCharsMax - SUFFIX.length}`,
    { field: 'idempotency_key' },
  );
}

/** @param name of the job, as it is recorded. */
export function previewOf(draft: JobDraft, name: string): JobDraft {
  return {
    ...draft,
    name: `${name.slice(0, LIMITS.nameCharsMax - SUFFIX.length)}${SUFFIX}`,
    settings: { ...draft.settings, samples: draft.previewSamples },
    // Nobody delivers it.
    verify: 0,
    previewSamples: 0,
  };
}

export function withPreview(record: JobRecord, previewJobId: JobId): JobRecord {
  return { ...record, schedule: { ...record.schedule, previewJobId } };
}
