/** Time as an argument, so that what depends on it can be tested. */
export type EpochMs = number;

export interface Clock {
  nowMs(): EpochMs;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
