/**
 * Clears what the bus holds of jobs that have ended, beside the loop that finds it: a job's turn may be taken by its end,
 * which waits for a stream that only that loop makes anew. One at a time per job.
 */
import type { JobId } from '#shared/domain/ids.js';
import type { Logger } from '#shared/log.js';

export interface StrayHooks {
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Clears a job in its turn. */
  clear(jobId: JobId): Promise<void>;
  /** It could not be cleared, and has to be found again. */
  failed(jobId: JobId): void;
}

export class StrayPurges {
  private readonly hooks: StrayHooks;
  private readonly running = new Map<JobId, Promise<void>>();

  constructor(hooks: StrayHooks) {
    this.hooks = hooks;
  }

  /** A job that waits for its turn is cleared behind whatever is asked for now. */
  start(jobIds: Iterable<JobId>): void {
    for (const jobId of jobIds) {
      if (this.running.has(jobId)) continue;
      const purge = this.purge(jobId).finally(() => this.running.delete(jobId));
      this.running.set(jobId, purge);
    }
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private async purge(jobId: JobId): Promise<void> {
    const { hooks } = this;
    try {
      await hooks.clear(jobId);
      hooks.log.info({ jobId }, 'late tiles and results of an ended job purged');
    } catch (err) {
      if (hooks.signal.aborted) return;
      hooks.log.warn({ jobId, err }, 'late tiles and results not purged; trying again');
      hooks.failed(jobId);
    }
  }
}
