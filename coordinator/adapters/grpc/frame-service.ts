/** FrameService: which frames of a job there are, and their files. */
import { join } from 'node:path';
import { z } from 'zod';
import type { JobId } from '#shared/domain/ids.js';
import { type JobRecord, OUTPUT_FORMATS } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import { isJobEnded } from '#shared/state/job-state.js';
import type { FrameRecord } from '#shared/wire/generated/guian/v1/FrameRecord.js';
import type { FrameServiceHandlers } from '#shared/wire/generated/guian/v1/FrameService.js';
import type { Farm } from '../../farm.js';
import { parseField } from '../../jobs/job-draft.js';
import { LiveJob } from '../../jobs/live-job.js';
import { sizeOfFile } from '../store/file-uses.js';
import { DamagedRecord } from '../store/read-record.js';
import type { FrameResult } from '../store/records.js';
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
      const show = async (index: number, frame: number, withTiles: boolean) => {
        const shown =
          (await endedFrame(farm, record, index, frame, tilesPerFrame, withTiles)) ??
          openFrame(farm, record.jobId, index, frame, tilesPerFrame);
        if (state === undefined || shown.state === state) frames.push(shown);
      };
      if (request.frame !== undefined) {
        const index = record.frames.indexOf(request.frame);
        if (index >= 0) await show(index, request.frame, true);
        return { frames, nextPageToken: '' };
      }
      for (const [offset, frame] of record.frames.slice(start, start + size).entries())
        await show(start + offset, frame, false);
      const next = start + size;
      return { frames, nextPageToken: next < record.frames.length ? String(next) : '' };
    }),

    Download: serverStream(farm.log, async (request, send, signal) => {
      const { record } = farm.jobs.view(request.jobId);
      const format = parseField(z.enum(OUTPUT_FORMATS), request.format, 'format');
      const stored = await readFrame(farm, record, request.frame);
      if (typeof stored === 'string')
        throw new FarmError(
          'FRAME_NOT_FOUND',
          `frame ${request.frame} of job ${record.jobId} is lost: ${stored}`,
          { jobId: record.jobId, frame: request.frame },
        );
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
      const path = join(farm.store.jobs.framesFolder(record.jobId), file.name);
      assertWhole(record.jobId, request.frame, file, await sizeOfFile(path));
      await send({ file: { ...file } });
      await sendFile(path, 0, (data) => send({ data }), signal);
    }),
  };
}

/**
 * A frame that has ended, by its record. A job that runs knows without a look which have not; one of those may have the
 * record of a failure before it was retried.
 */
async function endedFrame(
  farm: Farm,
  record: JobRecord,
  index: number,
  frame: number,
  tilesTotal: number,
  withTiles: boolean,
): Promise<FrameRecord | undefined> {
  const job = farm.jobs.liveJob(record.jobId);
  if (job && !isFrameEnded(job.frames.stateAt(index))) return undefined;
  const stored = await readFrame(farm, record, frame);
  if (typeof stored === 'string') return { frame, state: 'failed', tilesTotal, tilesDone: 0, reason: stored };
  return stored && toWireFrame(stored, withTiles);
}

/** A frame's record, or why there is none where one should be, and the way out; nothing when none is due. */
async function readFrame(
  farm: Farm,
  record: JobRecord,
  frame: number,
): Promise<FrameResult | string | undefined> {
  const { jobId } = record;
  let damage: string;
  try {
    const stored = await farm.store.jobs.readFrame(jobId, frame);
    if (stored || !isRecordDue(farm, record, frame)) return stored;
    damage = `its record ${frame}.json is missing`;
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    // It is being rendered again.
    if (farm.jobs.liveJob(jobId) && !isRecordDue(farm, record, frame)) return undefined;
    damage = `its record ${error.fileName} is damaged`;
  }
  const { state } = farm.jobs.view(jobId);
  if (state === 'cancelled') return `${damage}; submit the frame again as a new job`;
  const retry = `"guian job retry ${jobId} --frames=${frame}" renders it again`;
  return isJobEnded(state) ? `${damage}; ${retry}` : `${damage}; once the job has ended, ${retry}`;
}

/** Frames of a cancelled job were given up; of others each has a record from its end on. */
function isRecordDue(farm: Farm, { jobId, frames }: JobRecord, frame: number): boolean {
  if (farm.jobs.view(jobId).state === 'cancelled') return false;
  const index = frames.indexOf(frame);
  const job = farm.jobs.liveJob(jobId);
  return index >= 0 && (!job || isFrameEnded(job.frames.stateAt(index)));
}

/** @throws FRAME_NOT_FOUND for a file that is gone, BLOB_CORRUPT for one that is not as long as it was. */
function assertWhole(
  jobId: JobId,
  frame: number,
  file: { readonly name: string; readonly sizeBytes: number },
  sizeBytes: number | undefined,
): void {
  if (sizeBytes === file.sizeBytes) return;
  const code = sizeBytes === undefined ? 'FRAME_NOT_FOUND' : 'BLOB_CORRUPT';
  const damage =
    sizeBytes === undefined
      ? 'is gone from the store'
      : `is damaged: it has ${sizeBytes} bytes, and was written with ${file.sizeBytes}`;
  throw new FarmError(
    code,
    `frame ${frame} of job ${jobId}: its file ${file.name} ${damage}; submit the frame again as a new job`,
    { jobId, frame },
  );
}

/** A frame without a record: it waits, or its tiles are on the move. */
function openFrame(farm: Farm, jobId: JobId, index: number, frame: number, perFrame: number): FrameRecord {
  const job = farm.jobs.get(jobId);
  const tilesTotal = job instanceof LiveJob ? job.frames.layoutOf(frame).count : perFrame;
  const state = job instanceof LiveJob ? job.frames.stateAt(index) : 'waiting';
  return {
    frame,
    state: state === 'waiting' ? 'waiting' : 'rendering',
    tilesTotal,
    tilesDone: job instanceof LiveJob ? (job.frames.open.get(index)?.doneCount ?? 0) : 0,
  };
}
