/** Ended jobs in sums, for what is shown of all of them together: a farm that has run for a year knows tens of thousands. */
import type { TerminalJobState } from '#shared/state/job-state.js';
import type { EndedRecord } from '../adapters/store/records.js';

type Ended = Pick<EndedRecord, 'state' | 'tilesDone'>;

export class EndedTotals {
  tilesDone = 0;
  readonly jobs: Record<TerminalJobState, number> = { finished: 0, finished_with_failures: 0, cancelled: 0 };

  add(ended: Ended): void {
    this.count(ended, 1);
  }

  /** It runs again, or has ended in another way. */
  takeBack(ended: Ended): void {
    this.count(ended, -1);
  }

  private count({ state, tilesDone }: Ended, sign: 1 | -1): void {
    this.jobs[state] += sign;
    this.tilesDone += sign * tilesDone;
  }
}
