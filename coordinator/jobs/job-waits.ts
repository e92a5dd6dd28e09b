/** What running jobs wait for that is no work: room on a disk. Data only; who waits says so, and says when it is over. */
import type { JobId } from '#shared/domain/ids.js';

export class JobWaits {
  private readonly waits = new Map<JobId, Map<string, string>>();

  /** @returns whether the job waited for nothing until now. */
  begin(jobId: JobId, key: string, reason: string): boolean {
    const ofJob = this.waits.get(jobId);
    if (ofJob) {
      ofJob.set(key, reason);
      return false;
    }
    this.waits.set(jobId, new Map([[key, reason]]));
    return true;
  }

  /** @returns whether the job waits for nothing any more. */
  end(jobId: JobId, key: string): boolean {
    const ofJob = this.waits.get(jobId);
    if (!ofJob?.delete(key) || ofJob.size > 0) return false;
    this.waits.delete(jobId);
    return true;
  }

  /** For people: the first of what a job waits for. */
  reasonOf(jobId: JobId): string | undefined {
    return this.waits.get(jobId)?.values().next().value;
  }
}
