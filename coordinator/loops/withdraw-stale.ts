/**
 * Messages in the queue for which nobody waits: of a frame that failed, of an attempt that was withdrawn before its
 * publish had landed, of an earlier coordinator. Rendering one costs a slot for nothing; and where the only node that is
 * left is to avoid them, they stand in the way of the job's other tiles for ever.
 */
import pLimit from 'p-limit';
import { withdrawTiles } from '#shared/bus/withdraw-tiles.js';
import { LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { isStaleInQueue } from '../jobs/queued-tiles.js';

/**
 * Call it once all results of before the listing are taken. Resolves when the messages are gone.
 * @param subjects the job's in the queue, listed while no publish of before was unanswered.
 */
export async function withdrawStale(farm: Farm, job: LiveJob, subjects: Iterable<string>): Promise<void> {
  const { bus, signal, log } = farm;
  const { jobId } = job;
  const prefixLength = bus.names.tilesOfJob(jobId).length - '>'.length;
  const inTurn = pLimit(LIMITS.publishWindow);
  let withdrawn = 0;
  const withdrawing: Promise<void>[] = [];
  for (const subject of subjects) {
    const [frame = 0, tile = 0, attempt = 0] = subject.slice(prefixLength).split('.').map(Number);
    // Some other subject is not the farm's own.
    if (bus.names.tile({ jobId, frame, tile, attempt }) !== subject) continue;
    if (!isStaleInQueue(job, { frame, tile, attempt })) continue;
    withdrawing.push(
      inTurn(async () => {
        // Its number may have been given out while it waited here.
        if (job.isEnding || !isStaleInQueue(job, { frame, tile, attempt })) return;
        await withdrawTiles(bus, [{ jobId, frame, tile, attempt, sequence: 0 }], signal);
        withdrawn++;
      }),
    );
  }
  await Promise.all(withdrawing);
  if (withdrawn > 0) log.info({ jobId, attempts: withdrawn }, 'attempts withdrawn that nobody waits for');
}
