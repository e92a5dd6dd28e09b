/**
 * How a frame's end is told. Its results stay on the bus until then, so that after a kill they say which ends may be
 * untold.
 */
import type { FrameResult } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';

/** Resolves when the stream has it. One that was told already is not kept twice. */
export function tellFrameEnd({ events }: Farm, job: LiveJob, record: FrameResult): Promise<void> {
  const { jobId } = job;
  const { frame, retry } = record;
  const id = ['frame_ended', jobId, frame, retry].join('.');
  const where = { jobId, frame, state: job.state };
  if (record.state === 'failed')
    return events.publish({ ...where, kind: 'frame_failed', message: record.reason }, id);
  const message = record.files.map(({ name }) => name).join(', ');
  return events.publish({ ...where, kind: 'frame_finished', message }, id);
}
