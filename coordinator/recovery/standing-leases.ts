/**
 * A tile that is given to a connection in the moment in which it breaks is leased and in nobody's hand, though no node is
 * lost. Such a lease stands still: at two looks in a row it is the oldest of its job, while there are more leases than
 * nodes tell of tiles, and than tiles wait for a slot.
 */
import type { JobId } from '#shared/domain/ids.js';
import type { GivenTiles, WaitingLook } from './given-tiles.js';
import type { Instances } from './instances.js';

export interface JobLeases {
  readonly jobId: JobId;
  /** Everything up to this sequence is acknowledged. */
  readonly acknowledgedUpTo: number;
  readonly leased: number;
  /** `accountedTiles`; asked for only where it matters. */
  accounted(): number;
}

export class StandingLeases {
  private before: ReadonlyMap<JobId, number> = new Map();

  /** @returns jobs with leases that have stood since the last look. */
  look(jobs: Iterable<JobLeases>): JobId[] {
    const now = new Map<JobId, number>();
    const standing: JobId[] = [];
    for (const { jobId, acknowledgedUpTo, leased, accounted } of jobs) {
      if (leased === 0) continue;
      now.set(jobId, acknowledgedUpTo);
      if (this.before.get(jobId) === acknowledgedUpTo && leased > accounted()) standing.push(jobId);
    }
    this.before = now;
    return standing;
  }
}

/** How many leases of a job are no riddle: nodes tell of their tiles, or these tiles wait for a slot. */
export function accountedTiles(
  instances: Instances,
  given: GivenTiles,
  jobId: JobId,
  look: WaitingLook,
): number {
  const { held } = instances.handsOf(jobId);
  given.taken(jobId, held);
  return held.length + given.countWaiting(jobId, look);
}
