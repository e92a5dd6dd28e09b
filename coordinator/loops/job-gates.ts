/**
 * What keeps running jobs from running: a pause, a time, other jobs (scheduling/gates.ts says which); and frame by frame,
 * which frames wait for those of other jobs. Kept up with what happens: a look costs nothing until something has.
 */
import type { JobId } from '#shared/domain/ids.js';
import type { JobState } from '#shared/domain/job.js';
import { messageOf } from '#shared/errors.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import { effectiveJob } from '../admin/effective.js';
import type { AdminSettings } from '../admin/settings.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import type { Gate } from '../scheduling/farm-model.js';
import { type GateNow, gateNow } from '../scheduling/gates.js';

export interface GateHooks {
  settings(): AdminSettings;
  /** The job may run, or may not any more, or has another demand. */
  changed(jobId: JobId): void;
}

const NO_FRAMES: ReadonlySet<number> = new Set();

export class JobGates {
  private readonly farm: Farm;
  private readonly hooks: GateHooks;
  private readonly gates = new Map<JobId, GateNow>();
  /** Frames that wait, of jobs that wait frame by frame. */
  private readonly held = new Map<JobId, Set<number>>();
  /** Jobs that wait for a job. */
  private readonly waiters = new Map<JobId, Set<JobId>>();
  /** Finished frames of jobs that ended otherwise than finished; a promise: they are being read. */
  private readonly finishedOfEnded = new Map<JobId, ReadonlySet<number> | 'reading'>();

  constructor(farm: Farm, hooks: GateHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /** A job that runs from now on. */
  opened(job: LiveJob): void {
    const { after, afterFrames, previewJobId } = job.record.schedule;
    for (const other of previewJobId === undefined ? after : [...after, previewJobId]) {
      const waiters = this.waiters.get(other) ?? new Set();
      this.waiters.set(other, waiters.add(job.jobId));
    }
    if (afterFrames && after.length > 0) {
      const open = job.record.frames.filter((_, index) => !isFrameEnded(job.frameStateAt(index)));
      this.held.set(job.jobId, new Set(open));
    }
    this.look(job);
  }

  /** It does not run any more; those that waited for it are looked at again. */
  closed(jobId: JobId): void {
    this.gates.delete(jobId);
    this.held.delete(jobId);
    for (const [other, waiters] of this.waiters)
      if (waiters.delete(jobId) && waiters.size === 0) this.waiters.delete(other);
    this.otherChanged(jobId);
  }

  /** A job that others may wait for runs, or has ended. */
  otherChanged(jobId: JobId): void {
    this.finishedOfEnded.delete(jobId);
    for (const waiter of this.waiters.get(jobId) ?? []) this.lookAgain(waiter);
  }

  /** A frame of a job has ended. */
  frameEnded(jobId: JobId, frame: number): void {
    // It may have been the last one that waits for nobody.
    if (this.heldFrames(jobId).size > 0) this.lookAgain(jobId);
    for (const waiter of this.waiters.get(jobId) ?? []) {
      const job = this.farm.jobs.liveJob(waiter);
      const held = this.held.get(waiter);
      if (!job || !held?.has(frame) || !this.isFree(job, frame)) continue;
      held.delete(frame);
      job.frameFreed(frame);
      this.lookAgain(waiter);
    }
  }

  lookAtAll(): void {
    for (const { jobId } of this.farm.jobs.liveJobs()) this.lookAgain(jobId);
  }

  /** When time alone changes a gate, by `performance.now()`. */
  nextChangeAtMs(): number | undefined {
    let nextAtMs: number | undefined;
    for (const { changesAtMs } of this.gates.values())
      if (changesAtMs !== undefined) nextAtMs = Math.min(nextAtMs ?? changesAtMs, changesAtMs);
    return nextAtMs === undefined ? undefined : nextAtMs - this.farm.clock.nowMs() + performance.now();
  }

  /** Nothing: it may run. */
  gateOf(jobId: JobId): Gate | undefined {
    return this.gates.get(jobId)?.gate;
  }

  /** False for one that nobody has told of. */
  mayRun(jobId: JobId): boolean {
    const known = this.gates.get(jobId);
    return known !== undefined && known.gate === undefined;
  }

  /** Frames that wait for those of other jobs. */
  heldFrames(jobId: JobId): ReadonlySet<number> {
    return this.held.get(jobId) ?? NO_FRAMES;
  }

  /** Whether tiles of a frame may be given out; nothing: of all. */
  mayRender(jobId: JobId): ((frame: number) => boolean) | undefined {
    const held = this.held.get(jobId);
    return held && held.size > 0 ? (frame) => !held.has(frame) : undefined;
  }

  private lookAgain(jobId: JobId): void {
    const job = this.farm.jobs.liveJob(jobId);
    if (!job || job.isEnding) return;
    const before = this.gates.get(jobId)?.gate;
    const heldBefore = this.held.get(jobId)?.size ?? 0;
    this.look(job);
    const now = this.gates.get(jobId)?.gate;
    if (JSON.stringify(before) !== JSON.stringify(now)) this.tell(job, before, now);
    else if ((this.held.get(jobId)?.size ?? 0) === heldBefore) return;
    this.hooks.changed(jobId);
  }

  private look(job: LiveJob): void {
    const { schedule } = job.record;
    const { isPaused, ignoresAfter } = effectiveJob(schedule, this.hooks.settings().jobs.get(job.jobId));
    const held = this.held.get(job.jobId);
    if (held && held.size > 0) this.freeFrames(job, held, ignoresAfter);
    const gate = gateNow(
      {
        ...{ schedule, isPaused, ignoresAfter },
        stateOf: (jobId) => this.stateOf(jobId),
        hasFreeFrame: () => hasFreeFrame(job, held ?? NO_FRAMES),
      },
      this.farm.clock.nowMs(),
    );
    this.gates.set(job.jobId, gate);
  }

  private freeFrames(job: LiveJob, held: Set<number>, isAll: boolean): void {
    const before = held.size;
    if (isAll) held.clear();
    else for (const frame of held) if (this.isFree(job, frame)) held.delete(frame);
    if (held.size === 0) job.frameFreed();
    else if (held.size < before)
      for (const frame of job.record.frames) if (!held.has(frame)) job.frameFreed(frame);
  }

  /** Whether a frame waits for no frame of other jobs. */
  private isFree(job: LiveJob, frame: number): boolean {
    return job.record.schedule.after.every((other) => this.isThere(other, frame));
  }

  /** A frame that the other job does not have is not waited for. */
  private isThere(jobId: JobId, frame: number): boolean {
    const state = this.stateOf(jobId);
    if (state === 'finished') return true;
    const live = this.farm.jobs.liveJob(jobId);
    if (live) {
      const ofFrame = live.frameStateOf(frame);
      return ofFrame === undefined || ofFrame === 'finished';
    }
    if (state === undefined) return false;
    const finished = this.finishedOfEnded.get(jobId);
    if (finished === undefined) void this.readFrames(jobId);
    return finished !== undefined && finished !== 'reading' && finished.has(frame);
  }

  /** Of a job that has failed frames, or was cancelled, what is finished is there all the same. */
  private async readFrames(jobId: JobId): Promise<void> {
    this.finishedOfEnded.set(jobId, 'reading');
    const finished = new Set<number>();
    try {
      const { record } = this.farm.jobs.get(jobId);
      const has = new Set(record.frames);
      for (const { frame, state } of await this.farm.store.jobs.readFrames(jobId))
        if (state === 'finished') finished.add(frame);
      for (const waiter of this.waiters.get(jobId) ?? [])
        for (const frame of this.heldFrames(waiter)) if (!has.has(frame)) finished.add(frame);
    } catch (error) {
      this.farm.log.warn({ jobId, reason: messageOf(error) }, 'frames that others wait for not read');
    }
    if (this.finishedOfEnded.get(jobId) !== 'reading') return;
    this.finishedOfEnded.set(jobId, finished);
    for (const waiter of this.waiters.get(jobId) ?? []) this.lookAgain(waiter);
  }

  private stateOf(jobId: JobId): JobState | undefined {
    return this.farm.jobs.has(jobId) ? this.farm.jobs.stateOf(jobId) : undefined;
  }

  /** Nothing is told of what was so from the beginning. */
  private tell({ jobId, state }: LiveJob, before: Gate | undefined, now: Gate | undefined): void {
    const { events, log } = this.farm;
    log.info({ jobId, from: before?.kind ?? 'none', to: now?.kind ?? 'none' }, 'job gate changed');
    const publish = (kind: 'paused' | 'resumed' | 'warning', message: string) =>
      void events.publish({ jobId, kind, state, message });
    if (now?.kind === 'paused') publish('paused', `paused; "guian job resume ${jobId}" lets it go on`);
    else if (before?.kind === 'paused') publish('resumed', 'it is no longer paused');
    if (now?.kind !== 'dependency' || !now.isHopeless) return;
    const other = this.stateOf(now.jobId) ?? 'unknown';
    const way =
      other === 'finished_with_failures' ? `"guian job retry ${now.jobId}" renders its failed frames, ` : '';
    publish(
      'warning',
      `it waits for job ${now.jobId}, which is ${other}: ${way}"guian job resume ${jobId} --ignore-after" waits no more`,
    );
  }
}

function hasFreeFrame(job: LiveJob, held: ReadonlySet<number>): boolean {
  if (held.size === 0) return true;
  return job.record.frames.some((frame, index) => !held.has(frame) && !isFrameEnded(job.frameStateAt(index)));
}
