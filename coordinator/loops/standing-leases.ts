/**
 * A tile that is given to a connection in the moment in which it breaks is leased and in nobody's hand, though no node is
 * lost. Such a lease stands still: it is the oldest of its job for seconds, while there are more leases than nodes say
 * they have tiles.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { deliveredSoFar } from '#shared/bus/end-leases.js';
import type { JobId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import type { Instances } from '../recovery/instances.js';

/** How long the oldest lease of a job must stand to be looked at. */
const STANDS_MS = 3_000;

/** Where the oldest lease stood when tiles in nobody's hand were last given away, by job. */
export type GivenAt = Map<JobId, { readonly acknowledgedUpTo: number; readonly atMs: number }>;

export interface StandingParts {
  readonly instances: Instances;
  readonly gaveAt: GivenAt;
  /** Jobs with leases that stand. */
  found(jobIds: readonly JobId[]): void;
}

/** Looks for jobs with such leases until the farm closes. */
export async function watchStandingLeases(farm: Farm, parts: StandingParts): Promise<void> {
  const { signal, log } = farm;
  let before: ReadonlyMap<JobId, number> = new Map();
  while (!signal.aborted) {
    await delay(STANDS_MS, undefined, { signal }).catch(() => undefined);
    try {
      const { now, standing } = await findStanding(farm, parts, before);
      before = now;
      if (standing.length > 0) parts.found(standing);
    } catch (err) {
      if (!signal.aborted) log.debug({ err }, 'leases not looked at');
    }
  }
}

async function findStanding(
  { bus, signal, jobs }: Farm,
  { instances, gaveAt }: StandingParts,
  before: ReadonlyMap<JobId, number>,
) {
  const now = new Map<JobId, number>();
  const standing: JobId[] = [];
  // Nobody could be given a tile.
  if (instances.live().next().done) return { now, standing };
  for (const { jobId, isEnding } of jobs.liveJobs()) {
    const delivered = isEnding ? undefined : await deliveredSoFar(bus, jobId, signal);
    if (!delivered || delivered.leased === 0) continue;
    now.set(jobId, delivered.acknowledgedUpTo);
    if (before.get(jobId) !== delivered.acknowledgedUpTo) continue;
    // A tile that was given away counts as leased until somebody takes it: it is not given away and told of again and again.
    const gave = gaveAt.get(jobId);
    const isWaiting =
      gave?.acknowledgedUpTo === delivered.acknowledgedUpTo && performance.now() - gave.atMs < TIMES.leaseMs;
    if (!isWaiting && delivered.leased > instances.handsOf(jobId).held.length) standing.push(jobId);
  }
  for (const jobId of gaveAt.keys()) if (!now.has(jobId)) gaveAt.delete(jobId);
  return { now, standing };
}
