/**
 * A write that the disk refuses (no room, a broken disk, a folder or rights that somebody changed) waits until it goes
 * through; its job is shown as paused, with the reason, as long as it lasts. One job's trouble stops no other.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';

const FIRST_RETRY_MS = 500;
/** So often it is looked again: whoever made room should not have to wait for it to be noticed. */
const RETRY_MS_MAX = 10_000;
const LOGGED_EVERY_MS = 60_000;

/**
 * Calls `write` until the disk takes it.
 * @param what  for people, e.g. `frame 12`; one wait of a job at a time has this name.
 * @param waitsFor  `room`: only a full disk is waited for, as the caller knows what to do about anything else.
 * @throws whatever else `write` throws, and what the disk said last when the farm closes.
 */
export async function withDisk<T>(
  farm: Farm,
  jobId: JobId,
  what: string,
  write: () => Promise<T>,
  frame?: number,
  waitsFor: 'room' | 'anything' = 'anything',
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
            'the store takes writes again',
          );
          if (farm.jobs.waits.end(jobId, what))
            tell('resumed', `${what} is written; it waited ${waited} for the disk`);
        }
        return written;
      } catch (error) {
        const trouble = diskTrouble(error);
        const isWaitedFor = trouble !== undefined && (waitsFor === 'anything' || isDiskFull(error));
        if (!isWaitedFor || farm.signal.aborted) throw error;
        const nowMs = farm.clock.nowMs();
        sinceMs ??= nowMs;
        const reason = `${what} waits for the disk: ${trouble}`;
        if (farm.jobs.waits.begin(jobId, what, reason)) tell('paused', reason);
        if (nowMs - loggedAtMs >= LOGGED_EVERY_MS) {
          loggedAtMs = nowMs;
          farm.log.warn({ jobId, frame, err: error }, 'the store takes no writes; trying again');
        }
        const delayMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
        await delay(delayMs, undefined, { signal: farm.signal }).catch(() => undefined);
      }
    }
  } finally {
    farm.jobs.waits.end(jobId, what);
  }
}

/** For people; undefined where it is no refusal of the operating system. */
function diskTrouble(error: unknown): string | undefined {
  if (error instanceof FarmError) return isDiskFull(error) ? error.message : undefined;
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? messageOf(error) : undefined;
}

const isDiskFull = (error: unknown): boolean => error instanceof FarmError && error.code === 'DISK_FULL';
