/** What each pool has and is asked for, as scale advice needs it. A pure function. */
import type { JobId } from '#shared/domain/ids.js';
import { type AdminSettings, POOL_DEFAULT } from '../admin/settings.js';
import { type FarmJob, type FarmSnapshot, type SchedulingPolicy, STUDIO_DEFAULT } from './farm-model.js';
import type { PoolLoad } from './scale-advice.js';

interface Sums {
  slots: number;
  cores: number;
  backlogCoreSeconds: number;
  slotsUsable: number;
}

/**
 * Pools that a node is in, a running job asks for, or an admin has set, by name; those without one first. A node counts
 * in each of its pools, while it takes tiles; a job counts while nothing but a missing renderer keeps it from running.
 * @param backlogOf core-seconds that a job has left, as far as known.
 */
export function poolLoads(
  { nodes, jobs }: FarmSnapshot,
  policy: SchedulingPolicy,
  pools: AdminSettings['pools'],
  backlogOf: (jobId: JobId) => number,
): readonly PoolLoad[] {
  const sums = new Map<string, Sums>();
  const sumsOf = (pool: string): Sums => {
    let sum = sums.get(pool);
    if (!sum) {
      sum = { slots: 0, cores: 0, backlogCoreSeconds: 0, slotsUsable: 0 };
      sums.set(pool, sum);
    }
    return sum;
  };
  for (const pool of ['', ...pools.keys()]) sumsOf(pool);
  for (const node of nodes) {
    const isThere = node.state === 'ready';
    for (const pool of node.pools.size === 0 ? [''] : node.pools) {
      const sum = sumsOf(pool);
      sum.slots += isThere ? node.slots : 0;
      sum.cores += isThere ? node.cores : 0;
    }
  }
  for (const job of jobs) {
    const sum = sumsOf(job.pool ?? '');
    // One that waits for a node with its renderer waits for a node: a farm without any would never get its first.
    if (job.gate && job.gate.kind !== 'renderer') continue;
    sum.backlogCoreSeconds += backlogOf(job.jobId);
    sum.slotsUsable += usable(job, policy);
  }
  return [...sums]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([pool, { slots, cores, backlogCoreSeconds, slotsUsable }]) => ({
      pool,
      policy: pools.get(pool) ?? POOL_DEFAULT,
      slots,
      coresPerSlot: slots === 0 ? 1 : Math.max(1, cores / slots),
      backlogCoreSeconds,
      slotsUsable,
    }));
}

/** More machines do not help a job that a limit or a licence holds back. */
function usable(job: FarmJob, policy: SchedulingPolicy): number {
  const limits = [job.maxSlots, (policy.studios.get(job.studio) ?? STUDIO_DEFAULT).maxSlots];
  let slots = job.demand;
  for (const limit of limits) if (limit > 0) slots = Math.min(slots, limit);
  for (const name of job.licences) {
    const licence = policy.licences.get(name);
    if (licence?.per !== 'node') slots = Math.min(slots, licence?.total ?? 0);
    else if (licence.total === 0) slots = 0;
  }
  return slots;
}
