/**
 * The truth about jobs: `jobs/<job>/job.json` (the record, fsynced before a submit is answered), `ended.json`, and
 * `frames/<frame>.json` beside the frame's files.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { JobId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema } from '#shared/domain/job.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { makeFolder, writeDurably } from './durable-file.js';
import { type EndedRecord, endedRecordSchema, type FrameResult, frameResultSchema } from './records.js';

export interface StoredJob {
  readonly record: JobRecord;
  readonly ended: EndedRecord | undefined;
  /** Results of frames, for jobs that have not ended; empty for others (they are read when asked for). */
  readonly frames: readonly FrameResult[];
}

export interface JobStore {
  /** Every readable job. A job with a corrupt record is logged and left out; the others go on. */
  loadAll(): Promise<readonly StoredJob[]>;
  create(record: JobRecord): Promise<void>;
  writeFrame(jobId: JobId, frame: FrameResult): Promise<void>;
  writeEnd(jobId: JobId, ended: EndedRecord): Promise<void>;
  /** Nothing when there is no record of the frame. */
  readFrame(jobId: JobId, frame: number): Promise<FrameResult | undefined>;
  /** Absolute folder of a job's frame files. */
  framesFolder(jobId: JobId): string;
}

export function jobStore(storeDir: string, log: Logger): JobStore {
  const root = join(storeDir, 'jobs');
  const folder = (jobId: JobId) => join(root, jobId);
  const framesFolder = (jobId: JobId) => join(folder(jobId), 'frames');
  const framePath = (jobId: JobId, frame: number) => join(framesFolder(jobId), `${frame}.json`);

  const loadJob = async (name: string): Promise<StoredJob | undefined> => {
    const record = await readRecord(join(root, name, 'job.json'), jobRecordSchema);
    // The folder of a submit that was killed before its record was written: nobody was told of it.
    if (!record) return undefined;
    const ended = await readRecord(join(root, name, 'ended.json'), endedRecordSchema);
    return { record, ended, frames: ended ? [] : await loadFrames(framesFolder(record.jobId), log) };
  };

  return {
    framesFolder,
    async loadAll() {
      const jobs: StoredJob[] = [];
      for (const name of await readdir(root)) {
        try {
          const job = await loadJob(name);
          if (job) jobs.push(job);
        } catch (err) {
          log.error({ jobId: name, err }, 'job record cannot be read; the job is set aside');
        }
      }
      return jobs.sort((a, b) => a.record.createdAtMs - b.record.createdAtMs);
    },
    async create(record) {
      await makeFolder(framesFolder(record.jobId));
      await writeDurably(join(folder(record.jobId), 'job.json'), JSON.stringify(record));
    },
    async writeFrame(jobId, frame) {
      await writeDurably(framePath(jobId, frame.frame), JSON.stringify(frame));
    },
    async writeEnd(jobId, ended) {
      await writeDurably(join(folder(jobId), 'ended.json'), JSON.stringify(ended));
    },
    readFrame: (jobId, frame) => readRecord(framePath(jobId, frame), frameResultSchema),
  };
}

async function loadFrames(folder: string, log: Logger): Promise<FrameResult[]> {
  const frames: FrameResult[] = [];
  for (const name of await readdir(folder)) {
    if (!/^-?\d+\.json$/.test(name)) continue;
    try {
      const frame = await readRecord(join(folder, name), frameResultSchema);
      if (frame) frames.push(frame);
    } catch (err) {
      // The frame counts as not rendered: it costs its tiles again, never the job.
      log.error(
        { file: join(folder, name), err },
        'frame record cannot be read; the frame is rendered again',
      );
    }
  }
  return frames;
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${path} is damaged: ${messageOf(error).slice(0, 500)}`, { cause: error });
  }
}
