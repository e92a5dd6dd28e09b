/**
 * One start of a coordinator: the loops' order of things without their connections. Every decision is the coordinator's
 * own function; what a loop does around it (feed.ts, assemble.ts, end-job.ts, load-jobs.ts) is done here with the world.
 */

import { giveUpBytes, type LiveFrame } from '#coordinator/jobs/live-frame.js';
import { LiveJob } from '#coordinator/jobs/live-job.js';
import { adoptQueued, type LiveAttempt, setSequence } from '#coordinator/jobs/tile-case.js';
import type { NextTile } from '#coordinator/jobs/tile-order.js';
import type { Heartbeat, HeartbeatAnswer } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { LIMITS, TIMES } from '#shared/limits.js';
import type { FarmWorld, StoredFrame } from './farm-world.js';
import { NodeJudge } from './node-judge.js';
import { NodeWatch } from './node-watch.js';
import { isUnusable } from './render-outcome.js';
import { TakeResults } from './take-results.js';
import { TileMender } from './tile-mender.js';

const ASK_MS = 5;

export class SimCoordinator {
  readonly world: FarmWorld;
  readonly jobs = new Map<JobId, LiveJob>();
  readonly judge: NodeJudge;
  readonly nodes: NodeWatch;
  readonly results: TakeResults;
  readonly startedAtMs: number;
  isAlive = true;
  private readonly mender: TileMender;
  private isFeedPlanned = false;
  private nodesKnownAtMs = Number.POSITIVE_INFINITY;
  /** Jobs whose end, retry or clearing is under way: one after the other (job-turns.ts). */
  private readonly turns = new Set<JobId>();

  constructor(world: FarmWorld) {
    this.world = world;
    world.coordinator = this;
    this.startedAtMs = world.time.nowMs;
    for (const [jobId, stored] of world.jobs) if (!world.hasEnded(stored)) this.load(jobId);
    this.judge = new NodeJudge(this);
    this.nodes = new NodeWatch(this);
    this.results = new TakeResults(this);
    this.mender = new TileMender(this);
    this.start();
  }

  kill(): void {
    this.isAlive = false;
  }

  /** Runs later, in this life. */
  after(delayMs: number, run: () => void): void {
    this.world.time.after(delayMs, () => {
      if (this.isAlive) run();
    });
  }

  /** Runs when the bus has answered. */
  call(run: () => void): void {
    this.after(this.world.latencyMs(), run);
  }

  hear(heartbeat: Heartbeat, answer: (answer: HeartbeatAnswer) => void): void {
    this.nodes.hear(heartbeat, answer);
  }

  resultsCame(): void {
    this.call(() => this.results.takeAll());
  }

  liveJobs(): LiveJob[] {
    return [...this.jobs.values()];
  }

  /** Nodes that may take tiles of a job; empty: not known. */
  workersOf(jobId: JobId) {
    return this.world.time.nowMs < this.nodesKnownAtMs ? [] : this.judge.workersOf(jobId);
  }

  submitted(jobId: JobId): void {
    this.load(jobId);
    this.call(() => {
      this.judge.kick();
      this.feed();
    });
  }

  feed(): void {
    if (this.isFeedPlanned) return;
    this.isFeedPlanned = true;
    this.after(0, () => {
      this.isFeedPlanned = false;
      this.feedAll();
    });
  }

  /** Attempts are taken out of the queue. */
  withdraw(job: LiveJob, frame: number, tile: number, attempts: readonly LiveAttempt[]): void {
    const { queue } = this.world;
    const { jobId } = job;
    for (const { attempt, sequence } of attempts)
      this.call(() => queue.delete(sequence || (queue.find({ jobId, frame, tile, attempt })?.sequence ?? 0)));
  }

  /** What the coordinator itself counts as a failed attempt (reject-result.ts). */
  publishFailure(
    job: LiveJob,
    failed: { frame: number; tile: number; attempt: number; nodeId: string; code: string },
    then?: () => void,
  ): void {
    const { world } = this;
    const { jobId } = job;
    const { code, ...of } = failed;
    const id = `${jobId}.${of.frame}.${of.tile}.${of.attempt}.${of.nodeId}.rejected`;
    const outcome = { kind: 'failed' as const, code, permanent: false };
    this.call(() => {
      world.results.append(id, {
        ...of,
        jobId,
        nodeId: of.nodeId as never,
        renderMs: 0,
        outcome,
        atMs: world.time.nowMs,
      });
      then?.();
    });
  }

  frameComplete(job: LiveJob, frame: LiveFrame): void {
    const { world } = this;
    if (job.isEnding) return;
    const gone: number[] = [];
    for (const [tile, result] of frame.results.entries()) {
      const isThere = result?.bytes ?? result?.sequences.every((sequence) => world.results.has(sequence));
      if (result) result.bytes = undefined;
      if (!isThere) gone.push(tile);
    }
    this.after(world.random.between(20, 400), () => {
      if (job.isEnding) return;
      const bad = [...frame.results.entries()].filter(([, result]) => result && isUnusable(result.digest));
      if (gone.length > 0) this.openAgain(job, frame, gone);
      else if (bad.length > 0)
        this.rejectAll(
          job,
          frame,
          bad.map(([tile]) => tile),
        );
      else this.record(job, frame, 'finished');
    });
  }

  tileFailed(job: LiveJob, frame: LiveFrame): void {
    this.record(job, frame, 'failed');
  }

  /** Failed frames are asked for again (retry-job.ts). */
  retry(jobId: JobId): void {
    const stored = this.world.jobs.get(jobId)!;
    if (this.turns.has(jobId)) {
      this.after(ASK_MS, () => this.retry(jobId));
      return;
    }
    if (!this.world.hasEnded(stored)) return;
    const again = [...stored.frames.values()].filter(({ state }) => state === 'failed');
    const count = stored.retries.count + 1;
    const frames = new Map(stored.retries.frames.map((retried) => [retried.frame, retried]));
    for (const { frame, attemptsUsed } of again) {
      const attemptsBefore = Math.max(attemptsUsed, frames.get(frame)?.attemptsBefore ?? 0);
      frames.set(frame, { frame, retry: count, attemptsBefore });
    }
    stored.retries = { count, frames: [...frames.values()] };
    this.world.audit.retried(jobId);
    this.submitted(jobId);
  }

  private start(): void {
    const { world } = this;
    world.note(() => 'coordinator starts');
    for (const [jobId, stored] of world.jobs)
      if (world.hasEnded(stored)) this.clear(jobId);
      else
        for (const frame of stored.frames.values())
          if (!this.jobs.get(jobId)!.openFrame(frame.frame)) world.results.purge(jobId, frame.frame);
    this.judge.start();
    this.results.takeAll();
    for (const job of this.liveJobs()) this.endIfDone(job);
    this.nodesKnownAtMs = world.time.nowMs + TIMES.nodeLostAfterMs;
    this.feed();
    this.nodes.start();
    this.mender.start();
  }

  private load(jobId: JobId): void {
    const { plan, frames, retries } = this.world.jobs.get(jobId)!;
    const lastRetry = new Map(retries.frames.map(({ frame, retry }) => [frame, retry]));
    const isPast = (frame: StoredFrame) =>
      frame.state === 'failed' && (lastRetry.get(frame.frame) ?? 0) > frame.retry;
    const ended = [...frames.values()].filter((frame) => !isPast(frame));
    this.jobs.set(jobId, new LiveJob(plan.record, ended, retries));
    this.world.audit.loaded(jobId);
  }

  private feedAll(): void {
    let isIsolatedOut = this.liveJobs().some((job) => job.isIsolatedOut);
    for (const job of this.liveJobs()) {
      const workers = () => this.workersOf(job.jobId);
      while (!job.isEnding && job.tilesQueued < LIMITS.queuedTilesPerJobMax) {
        const next = job.takeNextTile({ workers, isIsolatedOut });
        if (!next) break;
        isIsolatedOut ||= job.isIsolatedOut;
        this.world.audit.fed(job, next, workers());
        this.publish(job, next);
      }
      this.world.audit.counts(job);
    }
  }

  private publish(job: LiveJob, next: NextTile): void {
    const { world } = this;
    const { frame, tile, attempt } = next;
    const avoid = world.plan.sabotage === 'avoid lists are dropped' ? [] : next.avoid;
    const publishing = Promise.resolve();
    job.publishes.add(publishing);
    const done = () => job.publishes.delete(publishing);
    // A publish that fails for good: the reconcile loop finds the tile missing.
    if (!world.isCalm && world.random.chance(world.plan.messageTrouble / 4)) {
      this.call(done);
      return;
    }
    world.time.after(world.latencyMs(), () => {
      if (!this.isAlive && world.random.chance(0.5)) return;
      const isEnded = !this.isAlive && world.hasEnded(world.jobs.get(job.jobId)!);
      const sequence = isEnded
        ? undefined
        : world.queue.publish({ jobId: job.jobId, frame: frame.frame, tile, attempt, avoid });
      if (sequence !== undefined) world.audit.queued(sequence, next.avoid, this);
      const isAnswerLost = world.meetsTrouble();
      this.call(() => {
        // Without an answer it is published again, and refused.
        if (sequence === undefined || isAnswerLost) this.adoptFromQueue(job, next, done);
        else {
          done();
          setSequence(frame, tile, attempt, sequence);
        }
      });
    });
  }

  /** The attempt is in the queue already, with the avoid list of whoever put it there. */
  private adoptFromQueue({ jobId }: LiveJob, { frame, tile, attempt }: NextTile, done: () => void): void {
    this.call(() => {
      const found = this.world.queue.find({ jobId, frame: frame.frame, tile, attempt });
      this.call(() => {
        done();
        if (found) adoptQueued(frame, tile, { attempt, sequence: found.sequence, avoid: found.avoid });
      });
    });
  }

  /** The bus has lost results that memory did not hold. */
  private openAgain(job: LiveJob, frame: LiveFrame, tiles: readonly number[]): void {
    for (const tile of tiles) job.displace(frame, tile);
    this.world.audit.displaced(job, frame, tiles);
  }

  private rejectAll(job: LiveJob, frame: LiveFrame, tiles: readonly number[]): void {
    const rejected = tiles.map((tile) => ({ tile, result: job.displace(frame, tile) }));
    this.world.audit.displaced(job, frame, tiles);
    const rejectNext = () => {
      const next = rejected.shift();
      if (!next) return;
      const { tile, result } = next;
      const failed = {
        frame: frame.frame,
        tile,
        attempt: result.attempt,
        nodeId: result.nodeId,
        code: 'TILE_CHECKSUM_MISMATCH',
      };
      this.publishFailure(job, failed, () =>
        this.call(() => {
          for (const sequence of result.sequences) this.world.results.delete(sequence);
          rejectNext();
        }),
      );
    };
    rejectNext();
  }

  private record(job: LiveJob, frame: LiveFrame, state: 'finished' | 'failed'): void {
    const { world } = this;
    if (job.isEnding) return;
    const stored: StoredFrame = {
      ...{ frame: frame.frame, state, tilesDone: frame.doneCount, retry: job.frameRetries.count },
      tilesFailed: state === 'failed' ? 1 : 0,
      coreSeconds: frame.results.reduce((sum, result) => sum + (result?.coreSeconds ?? 0), 0),
      attemptsUsed: frame.attempts.reduce((most, attempts) => Math.max(most, attempts), 0),
    };
    this.after(world.random.between(2, 40), () => {
      world.audit.frameRecorded(job, frame, stored);
      world.jobs.get(job.jobId)!.frames.set(frame.frame, stored);
      this.after(world.random.between(0, 10), () => {
        job.closeFrame(frame, state);
        giveUpBytes(frame);
        world.audit.counts(job);
        this.feed();
        this.endIfDone(job);
        this.call(() => world.results.purge(job.jobId, frame.frame));
      });
    });
  }

  private endIfDone(job: LiveJob): void {
    if (job.isEnding || !job.areAllFramesEnded() || this.turns.has(job.jobId)) return;
    const { world } = this;
    const { jobId } = job;
    job.isEnding = true;
    this.turns.add(jobId);
    this.after(world.random.between(2, 40), () => {
      const state = job.hasFailedFrames() ? 'finished_with_failures' : 'finished';
      const stored = world.jobs.get(jobId)!;
      stored.ended = { state, retry: job.frameRetries.count };
      world.audit.jobEnded(job);
      this.jobs.delete(jobId);
      this.judge.kick();
      this.after(world.random.between(1, 20), () => {
        this.whenPublished(job, () => {
          this.clear(jobId);
          this.turns.delete(jobId);
        });
      });
    });
  }

  /** Publishes of a job that are under way have been answered. */
  whenPublished(job: LiveJob, then: () => void): void {
    if (job.publishes.size === 0) then();
    else this.after(ASK_MS, () => this.whenPublished(job, then));
  }

  /** Late results of a job that has ended (reconcile.ts). */
  clearUnlessLive(jobId: JobId): void {
    if (!this.jobs.has(jobId) && !this.turns.has(jobId)) this.clear(jobId);
  }

  private clear(jobId: JobId): void {
    if (this.world.plan.sabotage === 'ended jobs are not cleared') return;
    this.world.queue.purgeJob(jobId);
    this.world.results.purge(jobId);
  }
}
