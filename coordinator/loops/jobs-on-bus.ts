/** What the bus holds of which jobs. */
import { retryCall } from '#shared/bus/retry-call.js';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { ResultPurger } from './end-job.js';

/**
 * Ids of all jobs of which the bus holds a record, a tile, a result or a consumer. Subjects that no part of the farm
 * writes are purged: anybody on the bus can write them, and nobody reads them.
 */
export async function jobsOnBus(farm: Farm): Promise<Set<JobId>> {
  const { bus, signal, log } = farm;
  const ids = new Set<JobId>();
  const add = (id: string | undefined): boolean => {
    const parsed = jobIdSchema.safeParse(id);
    if (parsed.success) ids.add(parsed.data);
    else log.warn({ jobId: id }, 'the bus holds something of a job that cannot be; it is left out');
    return parsed.success;
  };
  const bucket = await retryCall('open bucket of jobs', () => bus.kvm.open(bus.names.jobsBucket), signal);
  await retryCall(
    'list records of jobs',
    async () => {
      for await (const key of await bucket.keys()) add(key);
    },
    signal,
  );
  for (const [stream, all] of [
    [bus.names.tilesStream, bus.names.tilesAll],
    [bus.names.resultsStream, bus.names.resultsAll],
  ] as const) {
    for (const subject of await subjectsOf(farm, stream, all)) {
      const tokens = subject.slice(bus.names.prefix.length + 1).split('.');
      if (add(tokens[1]) && tokens.length > 2) continue;
      await retryCall(`purge ${subject}`, () => bus.jsm.streams.purge(stream, { filter: subject }), signal);
    }
  }
  await retryCall(
    'list consumers',
    async () => {
      for await (const consumer of bus.jsm.consumers.list(bus.names.tilesStream)) add(consumer.name);
    },
    signal,
  );
  return ids;
}

/**
 * Jobs that do not run, and of which the queue holds tiles nevertheless: somebody published them after the job's end.
 * The subjects are listed only where there are more messages than the running jobs have tiles in the queue.
 */
export async function jobsWithStrayTiles(farm: Farm): Promise<JobId[]> {
  const { bus, signal, jobs } = farm;
  const { tilesStream, tilesAll, prefix } = bus.names;
  const live = jobs.liveJobs();
  const { state } = await retryCall(
    `look at stream ${tilesStream}`,
    () => bus.jsm.streams.info(tilesStream),
    signal,
  );
  if (state.messages <= live.reduce((sum, job) => sum + job.tilesQueued, 0)) return [];
  const subjects = await subjectsOf(farm, tilesStream, tilesAll);
  const ids = new Set([...subjects].map((subject) => subject.slice(prefix.length + 1).split('.')[1]));
  return [...ids].flatMap((id) => {
    const parsed = jobIdSchema.safeParse(id);
    return parsed.success && !jobs.liveJob(parsed.data) ? [parsed.data] : [];
  });
}

/** Subjects of which a stream holds messages. */
export async function subjectsOf(farm: Farm, stream: string, filter: string): Promise<Set<string>> {
  const info = await retryCall(
    `list subjects of ${filter}`,
    () => farm.bus.jsm.streams.info(stream, { subjects_filter: filter }),
    farm.signal,
  );
  return new Set(Object.keys(info.state.subjects ?? {}));
}

/**
 * Frames that have ended and of which there are results: recorded, but not purged before a kill; or there again, as the
 * stream was put back to an older state.
 */
export async function endedFramesOnBus(farm: Farm, job: LiveJob): Promise<readonly number[]> {
  const { names } = farm.bus;
  const subjects = await subjectsOf(farm, names.resultsStream, names.resultsOfJob(job.jobId));
  const frames = new Set(
    [...subjects].map((subject) => Number(subject.slice(names.prefix.length + 1).split('.')[2])),
  );
  return [...frames].filter((frame) => !job.openFrame(frame));
}

export async function purgeFrames(
  { bus }: Farm,
  results: ResultPurger,
  job: LiveJob,
  frames: readonly number[],
): Promise<void> {
  await Promise.all(frames.map((frame) => results.purge(bus.names.resultsOfFrame(job.jobId, frame))));
}
