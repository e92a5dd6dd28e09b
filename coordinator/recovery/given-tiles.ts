/**
 * Tiles whose leases were ended, until somebody tells that it has them: to the queue they count as leased while they wait
 * for a slot, and they are in nobody's hand, yet nobody has lost them. Data only; times are arguments, of a clock that
 * only goes forward.
 */
import type { HeldAttempt } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { attemptKey, heldKey, type QueuedAttempt } from './lost-tiles.js';

export interface WaitingLook {
  readonly nowMs: number;
  /** Somebody waits for a tile of the job. */
  readonly isWaitedFor: boolean;
}

/** The next heartbeat of whoever takes a tile tells of it. */
const TOLD_WITHIN_MS = 2 * TIMES.heartbeatEveryMs;

export class GivenTiles {
  /** When each was given, by attempt. */
  private readonly byJob = new Map<JobId, Map<string, number>>();
  private lastLossAtMs = Number.NEGATIVE_INFINITY;

  /** The leases of these tiles are ended. */
  give(jobId: JobId, tiles: readonly QueuedAttempt[], nowMs: number): void {
    if (tiles.length === 0) return;
    const given = this.byJob.get(jobId) ?? new Map<string, number>();
    this.byJob.set(jobId, given);
    for (const { frame, tile, attempt } of tiles) given.set(attemptKey(frame, tile, attempt), nowMs);
  }

  /** An agent is lost: it may have taken, and told nobody of, whatever was given before. */
  agentLost(nowMs: number): void {
    this.lastLossAtMs = Math.max(this.lastLossAtMs, nowMs);
  }

  /** @returns nothing where it was not given, or somebody has told since that it has it. */
  givenAtMs(jobId: JobId, { frame, tile, attempt }: QueuedAttempt): number | undefined {
    return this.byJob.get(jobId)?.get(attemptKey(frame, tile, attempt));
  }

  /**
   * Whether a tile that was given, and that nobody tells of, waits for a slot, as far as can be known. Where somebody waits
   * for a tile it has gone out, into a hand that would have told of it, or into a connection that passes nothing.
   */
  isWaiting(givenAtMs: number, { nowMs, isWaitedFor }: WaitingLook): boolean {
    const ageMsMax = isWaitedFor ? TOLD_WITHIN_MS : TIMES.leaseMs;
    return givenAtMs >= this.lastLossAtMs && nowMs - givenAtMs < ageMsMax;
  }

  /** @returns how many of a job's tiles wait for a slot. */
  countWaiting(jobId: JobId, look: WaitingLook): number {
    let count = 0;
    for (const atMs of this.byJob.get(jobId)?.values() ?? []) if (this.isWaiting(atMs, look)) count++;
    return count;
  }

  /** Forgets those of a job that nodes tell of. */
  taken(jobId: JobId, liveHands: readonly HeldAttempt[]): void {
    const given = this.byJob.get(jobId);
    if (!given) return;
    for (const held of liveHands) given.delete(heldKey(held));
    if (given.size === 0) this.byJob.delete(jobId);
  }

  /** Forgets those of a job that are not queued any more. */
  keepQueued(jobId: JobId, queued: readonly QueuedAttempt[]): void {
    const given = this.byJob.get(jobId);
    if (!given) return;
    const keys = new Set(queued.map(({ frame, tile, attempt }) => attemptKey(frame, tile, attempt)));
    for (const key of given.keys()) if (!keys.has(key)) given.delete(key);
    if (given.size === 0) this.byJob.delete(jobId);
  }

  /** Forgets all of the jobs that have ended. */
  keepJobs(isLive: (jobId: JobId) => boolean): void {
    for (const jobId of this.byJob.keys()) if (!isLive(jobId)) this.byJob.delete(jobId);
  }
}
