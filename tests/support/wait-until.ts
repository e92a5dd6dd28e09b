/** Waits on a level, not on an edge: the condition is asked again until it holds. */
import { setTimeout as delay } from 'node:timers/promises';

const ASK_EVERY_MS = 20;
/** A wait ends in vain only where the thing never comes, however busy the machine is. */
const TIMEOUT_MS = 60_000;

/**
 * @returns the first truthy value of `condition`.
 * @throws after `timeoutMs` (a minute, unless the time itself is the claim), saying `describe()` so that the failure shows
 *         what was there instead.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = TIMEOUT_MS, describe }: { timeoutMs?: number; describe: string | (() => string) },
): Promise<NonNullable<T>> {
  const endAtMs = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > endAtMs) {
      const what = typeof describe === 'string' ? describe : describe();
      throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    }
    await delay(ASK_EVERY_MS);
  }
}
