/**
 * A node on which everything fails (a broken disk, a driver that is gone) fails faster than others render, and would burn
 * through the whole queue. When attempts of a job fail in a row, they are spaced out, one at a time, until one succeeds.
 * It holds while the coordinator is away; one that is there judges the node itself, and knows more.
 */
export const FAILURES_IN_A_ROW = 3;
const FIRST_PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 30_000;

/**
 * How long to wait before the next attempt at a job, 0: not at all.
 * @param tookMs of the attempt that failed last: what takes long by itself burns nothing, and waits the less.
 */
export function brakePauseMs(failuresInARow: number, tookMs: number): number {
  if (failuresInARow < FAILURES_IN_A_ROW) return 0;
  const doublings = Math.min(failuresInARow - FAILURES_IN_A_ROW, 10);
  return Math.max(0, Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** doublings) - tookMs);
}

/** Of one job. Times by any clock that only goes forward. */
export class Brake {
  #failures = 0;
  #judgedAtMs = Number.NEGATIVE_INFINITY;

  /** One attempt at a time. */
  get isOn(): boolean {
    return this.#failures >= FAILURES_IN_A_ROW;
  }

  release(): void {
    this.#failures = 0;
  }

  /**
   * @param begunAtMs of the attempt; one that was under way when the brake was put on says nothing new.
   * @returns how long to pause; undefined when nothing is to be done.
   */
  failed(begunAtMs: number, nowMs: number): number | undefined {
    if (begunAtMs < this.#judgedAtMs) return undefined;
    this.#failures++;
    if (!this.isOn) return undefined;
    this.#judgedAtMs = nowMs;
    return brakePauseMs(this.#failures, nowMs - begunAtMs);
  }
}
