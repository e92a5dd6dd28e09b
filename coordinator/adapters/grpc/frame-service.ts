/** FrameService: which frames of a job there are, and their files. */
import { join } from 'node:path';
import { z } from 'zod';
import type { JobId } from '#shared/domain/ids.js';
import { OUTPUT_FORMATS } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import type { FrameRecord } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import type { FrameServiceHandlers } from '#shared/wire/generated/guian/v1/FrameService.js';
import type { Farm } from '../../farm.js';
import { parseField } from '../../jobs/job-draft.js';
import { LiveJob } from '../../jobs/live-job.js';
import { serverStream, unary } from './handlers.js';
import { sendFile } from './package-service.js';
import { toFrameStateFilter, toPageSize } from './to-domain.js';
import { toWireFrame } from './to-wire.js';

const PAGE_SIZE = 1_000;
const PAGE_SIZE_MAX = 10_000;

export function frameService(farm: Farm): FrameServiceHandlers {
  return {
    List: unary(farm.log, async (request) => {
      const { record, tilesPerFrame } = farm.jobs.view(request.jobId);
      const size = toPageSize(request.pageSize, PAGE_SIZE, PAGE_SIZE_MAX);
      const state = toFrameStateFilter(request.state);
      const start = parseField(
        z.coerce.number<string>().int().min(0),
        request.pageToken || '0',
        'page_token',
      ) as number;
      const frames: FrameRecord[] = [];
      for (const [offset, frame] of record.frames.slice(start, start + size).entries()) {
        const index = start + offset;
        const shown =
          (await endedFrame(farm, record.jobId, index, frame)) ??
          openFrame(farm, record.jobId, index, frame, tilesPerFrame);
        if (state === undefined || shown.state === state) frames.push(shown);
      }
      const next = start + size;
      return { frames, nextPageToken: next < record.frames.length ? String(next) : '' };
    }),

    Download: serverStream(farm.log, async (request, send, signal) => {
      const { record } = farm.jobs.view(request.jobId);
      const format = parseField(z.enum(OUTPUT_FORMATS), request.format, 'format');
      const stored = await farm.store.jobs.readFrame(record.jobId, request.frame);
      const file =
        stored?.state === 'finished'
          ? stored.files.find((candidate) => candidate.format === format)
          : undefined;
      if (!file)
        throw new FarmError(
          'FRAME_NOT_FOUND',
          stored?.state === 'finished'
            ? `frame ${request.frame} of job ${record.jobId} was not written as ${format}; it has ${stored.files.map((item) => item.format).join(', ')}`
            : `frame ${request.frame} of job ${record.jobId} is ${stored ? 'failed' : 'not finished'}`,
          { jobId: record.jobId, frame: request.frame },
        );
      await send({ file: { ...file } });
      await sendFile(
        join(farm.store.jobs.framesFolder(record.jobId), file.name),
        0,
        (data) => send({ data }),
        signal,
      );
    }),
  };
}

/**
 * A frame that has ended, by its record. A job that runs knows without a look which have not; one of those may have the
 * record of a failure before it was retried.
 */
async function endedFrame(
  farm: Farm,
  jobId: JobId,
  index: number,
  frame: number,
): Promise<FrameRecord | undefined> {
  const job = farm.jobs.get(jobId);
  if (job instanceof LiveJob && !isFrameEnded(job.frameStateAt(index))) return undefined;
  const stored = await farm.store.jobs.readFrame(jobId, frame);
  return stored && toWireFrame(stored);
}

/** A frame without a record: it waits, or its tiles are on the move. */
function openFrame(farm: Farm, jobId: JobId, index: number, frame: number, tilesTotal: number): FrameRecord {
  const job = farm.jobs.get(jobId);
  const state = job instanceof LiveJob ? job.frameStateAt(index) : 'waiting';
  return {
    frame,
    state: state === 'waiting' ? 'waiting' : 'rendering',
    tilesTotal,
    tilesDone: job instanceof LiveJob ? job.tilesDoneAt(index) : 0,
  };
}
