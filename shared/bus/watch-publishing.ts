/**
 * Publishes are repeated until the server takes them, for ever and without a word. When that takes long (its disk is full,
 * it is away), this says so: once a minute in the log, and to whoever shows it.
 */
import type { Logger } from '../log.js';
import type { Bus } from './connect.js';

const LOOK_EVERY_MS = 1_000;
/** A server that is started again is away for less. */
const TOLD_AFTER_MS = 5_000;
const LOGGED_EVERY_MS = 60_000;

export interface PublishingHooks {
  /** Called again and again as long as it lasts. @param reason for people. */
  stuck(reason: string): void;
  /** @param afterMs how long it had lasted. */
  flowing(afterMs: number): void;
}

export function watchPublishing(
  { publisher }: Bus,
  log: Logger,
  hooks?: PublishingHooks,
  toldAfterMs = TOLD_AFTER_MS,
): AsyncDisposable {
  let stuckSinceMs: number | undefined;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    const { trouble } = publisher;
    const nowMs = performance.now();
    if (!trouble) {
      if (stuckSinceMs === undefined) return;
      const durationMs = Math.round(nowMs - stuckSinceMs);
      stuckSinceMs = undefined;
      loggedAtMs = Number.NEGATIVE_INFINITY;
      log.info({ durationMs }, 'messages get through to the streams again');
      hooks?.flowing(durationMs);
      return;
    }
    if (nowMs - trouble.sinceMs < toldAfterMs) return;
    stuckSinceMs = trouble.sinceMs;
    if (nowMs - loggedAtMs >= LOGGED_EVERY_MS) {
      loggedAtMs = nowMs;
      const durationMs = Math.round(nowMs - trouble.sinceMs);
      log.warn(
        { reason: trouble.reason, durationMs },
        'messages do not get through to the streams; trying again',
      );
    }
    hooks?.stuck(trouble.reason);
  }, LOOK_EVERY_MS);
  timer.unref();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
    },
  };
}
