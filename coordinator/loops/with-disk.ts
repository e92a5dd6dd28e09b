/** A write that finds the disk full waits for room; its job is shown as paused, with the reason, as long as it lasts. */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import type { Farm } from '../farm.js';

const FIRST_RETRY_MS = 500;
/** A full disk is looked at so often: whoever made room should not have to wait for it to be noticed. */
const RETRY_MS_MAX = 10_000;
const LOGGED_EVERY_MS = 60_000;

/**
 * Calls `write` until there is space for it.
 * @param what  for people, e.g. `frame 12`; one wait of a job at a time has this name.
 * @throws whatever else `write` throws, and DISK_FULL when the farm closes.
 */
export async function withDisk<T>(
  farm: Farm,
  jobId: JobId,
  what: string,
  write: () => Promise<T>,
  frame?: number,
): Promise<T> {
  let sinceMs: number | undefined;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  const tell = (kind: 'paused' | 'resumed', message: string) =>
    void farm.events.publish({
      jobId,
      kind,
      state: farm.jobs.view(jobId).state,
      message,
      ...(frame === undefined ? {} : { frame }),
    });
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        const written = await write();
        if (sinceMs !== undefined) {
          const waited = `${((farm.clock.nowMs() - sinceMs) / 1000).toFixed(1)} s`;
          farm.log.info(
            { jobId, frame, durationMs: farm.clock.nowMs() - sinceMs },
            'there is space in the store again',
          );
          if (farm.jobs.waits.end(jobId, what))
            tell('resumed', `there is space again: ${what} waited ${waited} for it`);
        }
        return written;
      } catch (error) {
        if (!(error instanceof FarmError && error.code === 'DISK_FULL') || farm.signal.aborted) throw error;
        const nowMs = farm.clock.nowMs();
        sinceMs ??= nowMs;
        const reason = `${what} waits for space: ${error.message}`;
        if (farm.jobs.waits.begin(jobId, what, reason)) tell('paused', reason);
        if (nowMs - loggedAtMs >= LOGGED_EVERY_MS) {
          loggedAtMs = nowMs;
          farm.log.warn({ jobId, frame, err: error }, 'no space left in the store; trying again');
        }
        const delayMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
        await delay(delayMs, undefined, { signal: farm.signal }).catch(() => undefined);
      }
    }
  } finally {
    farm.jobs.waits.end(jobId, what);
  }
}
