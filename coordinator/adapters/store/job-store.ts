/**
 * The truth about jobs: `jobs/<job>/job.json` (the record, fsynced before a submit is answered, and once more when the
 * version of its renderer is decided later), `ended.json`,
 * `retries.json` (fsynced before a retry is answered), and `frames/<frame>.json` beside the frame's files.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { JobId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema } from '#shared/domain/job.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { makeFolder, writeDurably } from './durable-file.js';
import {
  type EndedRecord,
  endedRecordSchema,
  type FrameResult,
  frameResultSchema,
  NO_RETRIES,
  type RetriesRecord,
  retriesRecordSchema,
  superseded,
} from './records.js';

export interface StoredJob {
  readonly record: JobRecord;
  /** Absent while the job runs, and when it runs again. */
  readonly ended: EndedRecord | undefined;
  readonly retries: RetriesRecord;
  /** Results of frames, for jobs that have not ended; empty for others (they are read when asked for). */
  readonly frames: readonly FrameResult[];
}

export interface JobStore {
  /** Every readable job. A job with a corrupt record is logged and left out; the others go on. */
  loadAll(): Promise<readonly StoredJob[]>;
  create(record: JobRecord): Promise<void>;
  /** Fsynced when it resolves; a kill leaves the old record or the new one. */
  replace(record: JobRecord): Promise<void>;
  writeFrame(jobId: JobId, frame: FrameResult): Promise<void>;
  writeEnd(jobId: JobId, ended: EndedRecord): Promise<void>;
  /** How a job's frames ended; without those that failed and are rendered again. */
  readFrames(jobId: JobId): Promise<readonly FrameResult[]>;
  /** Fsynced when it resolves: the frames named count as not rendered from then on, and the job as not ended. */
  writeRetries(jobId: JobId, retries: RetriesRecord): Promise<void>;
  readRetries(jobId: JobId): Promise<RetriesRecord>;
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

  const readRetries = async (jobId: JobId) =>
    (await readRecord(join(folder(jobId), 'retries.json'), retriesRecordSchema)) ?? NO_RETRIES;
  const readFrames = async (jobId: JobId, retries: RetriesRecord) => {
    const isPast = superseded(retries);
    return (await loadFrames(framesFolder(jobId), log)).filter((frame) => !isPast(frame));
  };

  const loadJob = async (name: string): Promise<StoredJob | undefined> => {
    const record = await readRecord(join(root, name, 'job.json'), jobRecordSchema);
    // The folder of a submit that was killed before its record was written: nobody was told of it.
    if (!record) return undefined;
    const retries = await readRetries(record.jobId);
    const end = await readRecord(join(root, name, 'ended.json'), endedRecordSchema);
    const ended = end && end.retry >= retries.count ? end : undefined;
    return { record, ended, retries, frames: ended ? [] : await readFrames(record.jobId, retries) };
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
      try {
        await makeFolder(framesFolder(record.jobId));
        await writeDurably(join(folder(record.jobId), 'job.json'), JSON.stringify(record));
      } catch (error) {
        // Nobody is told of this job: on a full disk, each new try would leave one more empty folder.
        await rm(folder(record.jobId), { recursive: true, force: true });
        throw error;
      }
    },
    async replace(record) {
      await writeDurably(join(folder(record.jobId), 'job.json'), JSON.stringify(record));
    },
    async writeFrame(jobId, frame) {
      await writeDurably(framePath(jobId, frame.frame), JSON.stringify(frame));
    },
    async writeEnd(jobId, ended) {
      await writeDurably(join(folder(jobId), 'ended.json'), JSON.stringify(ended));
    },
    async readFrames(jobId) {
      return readFrames(jobId, await readRetries(jobId));
    },
    async writeRetries(jobId, retries) {
      await writeDurably(join(folder(jobId), 'retries.json'), JSON.stringify(retries));
    },
    readRetries,
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
