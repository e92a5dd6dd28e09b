/** Waits on a level, not on an edge: the condition is asked again until it holds. */
import { setTimeout as delay } from 'node:timers/promises';

const ASK_EVERY_MS = 20;

/**
 * @returns the first truthy value of `condition`.
 * @throws after `timeoutMs`, saying `describe()` so that the failure shows what was there instead.
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  options: { timeoutMs: number; describe: string | (() => string) },
): Promise<NonNullable<T>> {
  const endAtMs = Date.now() + options.timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > endAtMs) {
      const what = typeof options.describe === 'string' ? options.describe : options.describe();
      throw new Error(`waited ${options.timeoutMs} ms in vain for: ${what}`);
    }
    await delay(ASK_EVERY_MS);
  }
}
