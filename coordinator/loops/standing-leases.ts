/** Looks again and again for leases that stand, though no node is lost (recovery/standing-leases.ts says which do). */
import { setTimeout as delay } from 'node:timers/promises';
import { type Delivered, deliveredSoFar } from '#shared/bus/end-leases.js';
import type { JobId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import { queuedTiles } from '../jobs/queued-tiles.js';
import type { GivenTiles } from '../recovery/given-tiles.js';
import type { Instances } from '../recovery/instances.js';
import { accountedTiles, type JobLeases, StandingLeases } from '../recovery/standing-leases.js';
import type { QueueLook } from '../recovery/untold-tiles.js';

/** How long the oldest lease of a job must stand to be looked at. */
const STANDS_MS = 3_000;

export interface StandingParts {
  readonly instances: Instances;
  readonly given: GivenTiles;
  /** Jobs with leases that stand. */
  found(jobIds: readonly JobId[]): void;
}

/** Looks for jobs with such leases until the farm closes. */
export async function watchStandingLeases(farm: Farm, parts: StandingParts): Promise<void> {
  const { signal, log } = farm;
  const standing = new StandingLeases();
  while (!signal.aborted) {
    await delay(STANDS_MS, undefined, { signal }).catch(() => undefined);
    try {
      const found = standing.look(await leasesOfJobs(farm, parts));
      if (found.length > 0) parts.found(found);
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'leases not looked at');
    }
  }
}

async function leasesOfJobs(
  { bus, signal, jobs }: Farm,
  { instances, given }: StandingParts,
): Promise<JobLeases[]> {
  given.keepJobs((jobId) => jobs.liveJob(jobId) !== undefined);
  const leases: JobLeases[] = [];
  // Nobody could be given a tile.
  if (instances.live().next().done) return leases;
  for (const job of jobs.liveJobs()) {
    const { jobId, isEnding } = job;
    const delivered = isEnding ? undefined : await deliveredSoFar(bus, jobId, signal);
    if (!delivered) continue;
    const { acknowledgedUpTo, leased, isWaitedFor } = queueLook(delivered);
    const accounted = () => {
      given.keepQueued(jobId, queuedTiles(job));
      return accountedTiles(instances, given, jobId, { nowMs: performance.now(), isWaitedFor });
    };
    leases.push({ jobId, acknowledgedUpTo, leased, accounted });
  }
  return leases;
}

export function queueLook({ streamSequence, acknowledgedUpTo, leased, waiting }: Delivered): QueueLook {
  return { deliveredUpTo: streamSequence, acknowledgedUpTo, leased, isWaitedFor: waiting > 0 };
}
