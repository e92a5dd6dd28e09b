/**
 * The truth about jobs: `jobs/<job>/job.json` (the record, fsynced before a submit is answered, and once more when the
 * version of its renderer is decided later), `ended.json`,
 * `retries.json` (fsynced before a retry is answered), `layouts.json` (fsynced before a tile of a layout is queued), and `frames/<frame>.json` beside the frame's files.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema } from '#shared/domain/job.js';
import type { Logger } from '#shared/log.js';
import { type LayoutsRecord, layoutsRecordSchema, NO_LAYOUTS } from '../../planning/layout-record.js';
import { makeFolder, writeDurably } from './durable-file.js';
import { type DamagedRecord, readRecord, readRecordOr } from './read-record.js';
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
  /** None for jobs that have ended (they are read when asked for). */
  readonly layouts: LayoutsRecord;
  /** Results of frames, for jobs that have not ended; empty for others (they are read when asked for). */
  readonly frames: readonly FrameResult[];
  /** Names of its records that could not be read, of frames apart; what stands for them is above. */
  readonly damaged: readonly string[];
}

export interface JobStore {
  /**
   * Every readable job. One whose `job.json` is damaged is logged and left out; the others go on. A damaged `ended.json`
   * counts as absent, so that the job is live and ends again when all its frames have.
   */
  loadAll(): Promise<readonly StoredJob[]>;
  create(record: JobRecord): Promise<void>;
  /** Fsynced when it resolves; a kill leaves the old record or the new one. */
  replace(record: JobRecord): Promise<void>;
  writeFrame(jobId: JobId, frame: FrameResult): Promise<void>;
  writeEnd(jobId: JobId, ended: EndedRecord): Promise<void>;
  /** How a job's frames ended; without those that failed and are rendered again, and without damaged records. */
  readFrames(jobId: JobId): Promise<readonly FrameResult[]>;
  /** Fsynced when it resolves: the frames named count as not rendered from then on, and the job as not ended. */
  writeRetries(jobId: JobId, retries: RetriesRecord): Promise<void>;
  /**
   * In the place of a damaged record: so many retries as the other records tell of, and no frame of them open. So frames
   * that have finished stay finished, and those that have failed stay failed and can be retried anew.
   */
  readRetries(jobId: JobId): Promise<RetriesRecord>;
  /** Fsynced when it resolves; a kill leaves the old record or the new one. */
  writeLayouts(jobId: JobId, layouts: LayoutsRecord): Promise<void>;
  /** None in the place of a damaged record: frames of which tiles are left are rendered again, by the job's grid. */
  readLayouts(jobId: JobId): Promise<LayoutsRecord>;
  /**
   * Nothing when there is no record of the frame.
   * @throws DamagedRecord
   */
  readFrame(jobId: JobId, frame: number): Promise<FrameResult | undefined>;
  /** Absolute folder of a job's frame files. */
  framesFolder(jobId: JobId): string;
}

export function jobStore(storeDir: string, log: Logger): JobStore {
  const root = join(storeDir, 'jobs');
  const folder = (jobId: JobId) => join(root, jobId);
  const framesFolder = (jobId: JobId) => join(folder(jobId), 'frames');
  const framePath = (jobId: JobId, frame: number) => join(framesFolder(jobId), `${frame}.json`);

  const damagedFile = (jobId: JobId, instead: string, damaged: string[]) => (err: DamagedRecord) => {
    damaged.push(err.fileName);
    log.error(
      { jobId, file: join(folder(jobId), err.fileName), err },
      `record of a job cannot be read; ${instead}`,
    );
    return undefined;
  };
  const readEnd = (jobId: JobId, damaged: string[]) =>
    readRecordOr(
      join(folder(jobId), 'ended.json'),
      endedRecordSchema,
      damagedFile(jobId, 'the job counts as not ended', damaged),
    );
  const readRetries = async (jobId: JobId, damaged: string[] = []): Promise<RetriesRecord> => {
    const stored = await readRecordOr(
      join(folder(jobId), 'retries.json'),
      retriesRecordSchema,
      damagedFile(jobId, 'frames stay as their own records say', damaged),
    );
    if (stored) return stored;
    if (damaged.length === 0) return NO_RETRIES;
    const frames = await loadFrames(framesFolder(jobId), log, 'it says nothing of retries');
    const end = await readEnd(jobId, []);
    const count = frames.reduce((most, { retry }) => Math.max(most, retry), end?.retry ?? 0);
    return { count, frames: [] };
  };
  const readLayouts = async (jobId: JobId, damaged: string[] = []): Promise<LayoutsRecord> =>
    (await readRecordOr(
      join(folder(jobId), 'layouts.json'),
      layoutsRecordSchema,
      damagedFile(jobId, 'frames are cut as the job says', damaged),
    )) ?? NO_LAYOUTS;
  const readFrames = async (jobId: JobId, retries: RetriesRecord, absent: string) => {
    const isPast = superseded(retries);
    return (await loadFrames(framesFolder(jobId), log, absent)).filter((frame) => !isPast(frame));
  };

  const loadJob = async (name: string): Promise<StoredJob | undefined> => {
    const record = await readRecord(join(root, name, 'job.json'), jobRecordSchema);
    // The folder of a submit that was killed before its record was written: nobody was told of it.
    if (!record) return undefined;
    const { jobId } = record;
    const damaged: string[] = [];
    const retries = await readRetries(jobId, damaged);
    const end = await readEnd(jobId, damaged);
    const ended = end && end.retry >= retries.count ? end : undefined;
    const frames = ended ? [] : await readFrames(jobId, retries, 'the frame is rendered again');
    const layouts = ended ? NO_LAYOUTS : await readLayouts(jobId, damaged);
    return { record, ended, retries, layouts, frames, damaged };
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
      return readFrames(jobId, await readRetries(jobId), 'the frame counts as lost');
    },
    async writeRetries(jobId, retries) {
      await writeDurably(join(folder(jobId), 'retries.json'), JSON.stringify(retries));
    },
    readRetries: (jobId) => readRetries(jobId),
    async writeLayouts(jobId, layouts) {
      await writeDurably(join(folder(jobId), 'layouts.json'), JSON.stringify(layouts));
    },
    readLayouts: (jobId) => readLayouts(jobId),
    readFrame: (jobId, frame) => readRecord(framePath(jobId, frame), frameResultSchema),
  };
}

/** Those that can be read. The others count as absent: they may cost tiles again, never the job. */
async function loadFrames(folder: string, log: Logger, absent: string): Promise<FrameResult[]> {
  const frames: FrameResult[] = [];
  for (const name of await readdir(folder)) {
    if (!/^-?\d+\.json$/.test(name)) continue;
    const file = join(folder, name);
    try {
      const frame = await readRecord(file, frameResultSchema);
      if (frame) frames.push(frame);
    } catch (err) {
      log.error({ file, err }, `frame record cannot be read; ${absent}`);
    }
  }
  return frames;
}
