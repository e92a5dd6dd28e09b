/**
 * No job waits for ever behind a stream of others of its studio: its priority grows while it has no slot. It grows in
 * whole steps, so that nothing changes while nothing happens, and falls back once the job has had a slot for a while (at
 * once would take the slot from it again, often before it has done a tile).
 */
/** As `prioritySchema` has it. */
const PRIORITY_MAX = 100;
/** Of waiting for each step of priority; and of having a slot, before the steps are lost. */
export const AGEING_MS = 60_000;

/** Plain data of one job. */
export interface Ageing {
  /** It has waited without a slot since; absent: it does not wait. */
  readonly waitsSinceMs?: number;
  /** It has had a slot since; the steps that it had then stay for `AGEING_MS`. */
  readonly servedSinceMs?: number;
  /** Steps of priority. */
  readonly steps: number;
}

export const NOT_AGED: Ageing = { steps: 0 };

/**
 * @param wants it could use a slot: it is not gated and has tiles to give out. A job that is paused does not age.
 * @returns `before` itself where nothing has changed.
 */
export function ageOn(before: Ageing, wants: boolean, slots: number, nowMs: number): Ageing {
  if (slots > 0) return served(before, nowMs);
  if (!wants) return before.steps === 0 && before.waitsSinceMs === undefined ? before : NOT_AGED;
  // Served for a short time only: it goes on from where it was.
  const waitsSinceMs = before.waitsSinceMs ?? nowMs - before.steps * AGEING_MS;
  const steps = Math.max(0, Math.floor((nowMs - waitsSinceMs) / AGEING_MS));
  return waitsSinceMs === before.waitsSinceMs && steps === before.steps ? before : { waitsSinceMs, steps };
}

function served(before: Ageing, nowMs: number): Ageing {
  const { servedSinceMs, steps } = before;
  if (steps === 0) return before.waitsSinceMs === undefined ? before : NOT_AGED;
  if (servedSinceMs === undefined) return { servedSinceMs: nowMs, steps };
  return nowMs - servedSinceMs >= AGEING_MS ? NOT_AGED : before;
}

/** @returns 0 to `PRIORITY_MAX`: what is waited for longest then is the oldest job of those, which comes first. */
export function effectivePriority(priority: number, { steps }: Ageing): number {
  return Math.min(PRIORITY_MAX, priority + steps);
}

/** When time alone changes the job's priority; nothing: it does not. */
export function nextAgeingAtMs(priority: number, ageing: Ageing): number | undefined {
  const { waitsSinceMs, servedSinceMs, steps } = ageing;
  if (servedSinceMs !== undefined) return servedSinceMs + AGEING_MS;
  if (waitsSinceMs === undefined || priority + steps >= PRIORITY_MAX) return undefined;
  return waitsSinceMs + (steps + 1) * AGEING_MS;
}
