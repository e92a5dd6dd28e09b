/**
 * Moments by clocks that only go forward, the time asleep included: the monotonic clock stands still while a machine is
 * suspended, the one that counts since its start does not.
 */
import { uptime } from 'node:os';

export interface Moment {
  readonly monotonicMs: number;
  readonly uptimeMs: number;
}

export const thisMoment = (): Moment => ({ monotonicMs: performance.now(), uptimeMs: uptime() * 1000 });

/** The longer of both: rather too long by the coarseness of a clock than too short by a sleep. */
export const elapsedMs = (from: Moment, to: Moment): number =>
  Math.max(to.monotonicMs - from.monotonicMs, to.uptimeMs - from.uptimeMs);
