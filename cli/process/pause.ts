/** Waiting before another try, cut short by an abort. */
import { setTimeout as delay } from 'node:timers/promises';

/** @throws the signal's reason (not Node's AbortError, which says nothing about why). */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
