/**
 * What decides whether a job is live (its end, a retry, the clearing of what the bus holds of it) happens one after the
 * other per job: a retry must not open on the bus what the end of the run before it is about to clear away.
 */
import type { JobId } from '#shared/domain/ids.js';

export class JobTurns {
  private readonly tails = new Map<JobId, Promise<unknown>>();

  /** Does `work` when whatever was asked for earlier has settled. Must not be called from inside a turn of the same job. */
  take<T>(jobId: JobId, work: () => Promise<T>): Promise<T> {
    const turn = (this.tails.get(jobId) ?? Promise.resolve()).then(work);
    const tail = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.tails.get(jobId) === tail) this.tails.delete(jobId);
      });
    this.tails.set(jobId, tail);
    return turn;
  }
}
