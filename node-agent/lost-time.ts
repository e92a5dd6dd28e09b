/**
 * Time in which a process did not get to look at what it watches: it was suspended (a laptop that sleeps, SIGSTOP, a
 * virtual machine that moves) or starved. What was watched stood still as well, so no limit may count it.
 */
const LATE_FACTOR = 4;

export class LostTime {
  readonly #everyMs: number;
  #lookedAtMs: number | undefined;

  /** @param everyMs between two looks, when all is well. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Since the last look, ms; 0 as long as looks are not far too late. */
  since(nowMs: number): number {
    const sinceMs = nowMs - (this.#lookedAtMs ?? nowMs);
    this.#lookedAtMs = nowMs;
    return sinceMs > LATE_FACTOR * this.#everyMs ? sinceMs - this.#everyMs : 0;
  }
}
