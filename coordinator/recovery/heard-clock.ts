/**
 * A clock that stands while the coordinator hears no node at all (the bus is away, this machine stood still): what nodes
 * have had in hand for long by it, they have had while they could say so.
 */
import { TIMES } from '#shared/limits.js';

export class HeardClock {
  private heardAtMs: number | undefined;
  private ms = 0;

  /**
   * @param heardAtMs when the last of all nodes has spoken; nothing: nobody has.
   * @returns time of this clock, in ms.
   */
  at(heardAtMs: number | undefined): number {
    if (heardAtMs === undefined) return this.ms;
    const passedMs = heardAtMs - (this.heardAtMs ?? heardAtMs);
    if (passedMs > 0 && passedMs <= TIMES.nodeLostAfterMs) this.ms += passedMs;
    this.heardAtMs = Math.max(heardAtMs, this.heardAtMs ?? heardAtMs);
    return this.ms;
  }
}
