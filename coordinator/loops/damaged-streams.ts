/**
 * Finds streams whose files are damaged, and deletes them; reconcile.ts then makes them again from the store, as lost ones.
 * A server whose block file has a flipped bit starts and says nothing; it goes on to acknowledge messages that it can
 * never deliver, as long as it writes to that block (measured on 2.9.10). Results: see result-reader.ts.
 */
import { retryCall } from '#shared/bus/retry-call.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import { jobsWithStrayTiles, subjectsOf } from './jobs-on-bus.js';
import { isStreamLost } from './stream-lost.js';

/** Those that are not there at all are left to others. @returns whether one was deleted. */
export async function dropDamagedStreams(farm: Farm): Promise<boolean> {
  try {
    return await dropThem(farm);
  } catch (error) {
    if (isStreamLost(error)) return false;
    throw error;
  }
}

async function dropThem(farm: Farm): Promise<boolean> {
  const { names } = farm.bus;
  const buckets = [names.assignmentsBucket, names.jobsBucket].map((bucket) => `KV_${bucket}`);
  let isAnyDropped = false;
  // Nothing but newer messages removes the last message of these.
  for (const stream of [names.eventsStream, ...buckets])
    if (await isLastMessageUnreadable(farm, stream)) {
      await drop(farm, stream);
      isAnyDropped = true;
    }
  if (await areTilesDamaged(farm)) {
    await drop(farm, names.tilesStream);
    isAnyDropped = true;
  }
  return isAnyDropped;
}

async function areTilesDamaged(farm: Farm): Promise<boolean> {
  for (const job of farm.jobs.liveJobs()) if (await areTilesUnreadable(farm, job)) return true;
  // What cannot be read of a job that has ended cannot be purged by its subject either (measured on 2.9.10).
  for (const jobId of await jobsWithStrayTiles(farm)) {
    const { tilesStream, tilesOfJob } = farm.bus.names;
    const [subject] = await subjectsOf(farm, tilesStream, tilesOfJob(jobId));
    if (subject !== undefined && (await isUnreadable(farm, subject))) return true;
  }
  return false;
}

/** It is asked twice: a newer message may just have taken its place. */
async function isLastMessageUnreadable({ bus, signal }: Farm, stream: string): Promise<boolean> {
  for (let look = 0; look < 2; look++) {
    const { state } = await retryCall(`look at ${stream}`, () => bus.jsm.streams.info(stream), signal);
    if (state.messages === 0) return false;
    const last = { seq: state.last_seq };
    const read = () => bus.jsm.streams.getMessage(stream, last);
    if (await retryCall(`read message ${last.seq} of ${stream}`, read, signal)) return false;
  }
  return true;
}

/** The queue names a tile's subject and cannot give its message: the newest tile, or the oldest. */
async function areTilesUnreadable(farm: Farm, job: LiveJob): Promise<boolean> {
  if (job.isEnding) return false;
  const queued = queuedTiles(job)
    .filter(({ sequence }) => sequence > 0)
    .sort((a, b) => a.sequence - b.sequence);
  for (const { frame, tile, attempt } of [...queued.slice(0, 1), ...queued.slice(1).slice(-1)]) {
    const subject = farm.bus.names.tile({ jobId: job.jobId, frame, tile, attempt });
    if (await isUnreadable(farm, subject)) return true;
  }
  return false;
}

/** Asked in this order, a message that is taken meanwhile is not listed any more. */
function isUnreadable({ bus, signal }: Farm, subject: string): Promise<boolean> {
  const { tilesStream } = bus.names;
  return retryCall(
    `read tile ${subject}`,
    async () => {
      if (await bus.jsm.streams.getMessage(tilesStream, { last_by_subj: subject })) return false;
      const { state } = await bus.jsm.streams.info(tilesStream, { subjects_filter: subject });
      return state.subjects?.[subject] !== undefined;
    },
    signal,
  );
}

async function drop(farm: Farm, stream: string): Promise<void> {
  const { bus, signal, log } = farm;
  log.error({ stream }, 'a stream has messages that cannot be read any more; it is deleted');
  await retryCall(`delete stream ${stream}`, () => bus.jsm.streams.delete(stream), signal);
}
