/**
 * The whole story of a node: a tile is taken from the queue, its lease renewed while it is here, its frame prepared, its
 * pixels rendered in a slot's thread, its result stored on the bus, and only then is it acknowledged. Whatever goes wrong
 * in between is a failed attempt with its log, or a tile handed back: never silence.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '#shared/bus/connect.js';
import type { HeartbeatAnswer, TileMessage } from '#shared/bus/messages.js';
import { digestSchema, type JobId, type NodeId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { invariant } from '#shared/invariant.js';
import { LIMITS } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import { attemptFailure } from './attempt-failure.js';
import type { FrameHold, FrameOutcome, PreparedFrames } from './prepared-frames.js';
import { publishResult } from './publish-result.js';
import { PublishWindow } from './publish-window.js';
import type { RenderOutcome, RenderPool, RunningTile } from './render-pool.js';
import type { AttemptFailure } from './render-task.js';
import { residentBytes } from './resident-memory.js';
import type { HeldScene, SceneCache } from './scene-cache.js';
import { type Ticket, TileSource } from './tile-source.js';

export interface TileRunnerOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly cache: SceneCache;
  readonly frames: PreparedFrames;
  readonly pool: RenderPool;
  readonly logger: Logger;
}

/** A job that this node works for. */
interface Job {
  readonly record: JobRecord;
  readonly left: AbortController;
  readonly running: Set<RunningTile>;
  scene: HeldScene | undefined;
  /** The package can never be used. */
  sceneFailure: AttemptFailure | undefined;
}

type Ended = Exclude<RenderOutcome, { kind: 'cancelled' }>;

const SCENE_RETRY_MS_MAX = 10_000;

export class TileRunner {
  readonly #options: TileRunnerOptions;
  readonly #source: TileSource;
  readonly #jobs = new Map<JobId, Job>();
  readonly #jobOf = new WeakMap<Ticket, Job>();
  readonly #holds = new WeakMap<Ticket, FrameHold>();
  readonly #runningOf = new WeakMap<Ticket, RunningTile>();
  readonly #publishing: PublishWindow;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #giveUp = new AbortController();
  #rendering = 0;
  #isClosing = false;
  /** Results stored since the start. */
  tilesDone = 0;

  constructor(options: TileRunnerOptions) {
    this.#options = options;
    this.#publishing = new PublishWindow(options.slots);
    this.#source = new TileSource({
      bus: options.bus,
      slots: options.slots,
      logger: options.logger,
      flawOf: (tile) => this.#flawOf(tile),
      onTicket: (ticket) => this.#prepare(ticket),
      onDropped: (ticket) => this.#holds.get(ticket)?.release(),
    });
  }

  get slotsBusy(): number {
    return Math.min(this.#rendering, this.#options.slots);
  }

  get jobIds(): JobId[] {
    return [...this.#jobs.keys()];
  }

  /** What the node works for from now on. Jobs that left are aborted, new ones begun. */
  setJobs(records: ReadonlyMap<JobId, JobRecord>): void {
    for (const [jobId, job] of this.#jobs) if (!records.has(jobId)) this.#leave(jobId, job);
    for (const record of records.values()) if (!this.#jobs.has(record.jobId)) this.#begin(record);
  }

  /** Attempts that were delivered here and are not acknowledged. */
  inHand(): ReturnType<TileSource['inHand']> {
    return this.#source.inHand();
  }

  /** The coordinator says that these are no longer this node's. */
  drop({ over, taken }: HeartbeatAnswer): void {
    const rendering = [...this.#source.drop(over, 'acknowledge'), ...this.#source.drop(taken, 'say nothing')];
    for (const ticket of rendering) this.#runningOf.get(ticket)?.cancel();
    const tiles = [...over, ...taken].reduce((sum, { attempts }) => sum + attempts.length, 0);
    this.#options.logger.info({ tiles, cancelled: rendering.length }, 'tiles dropped that others have done');
  }

  /**
   * Takes no more tiles; those rendering have `graceMs` to finish, then they are cancelled. What was not finished is
   * handed back.
   */
  async close(graceMs: number, pullWaitMs: number): Promise<void> {
    this.#isClosing = true;
    const drained = this.#source.close(Math.min(graceMs, pullWaitMs));
    const deadline = new AbortController();
    const cutOff = delay(graceMs, undefined, { signal: deadline.signal }).then(
      () => {
        this.#giveUp.abort();
        for (const job of this.#jobs.values()) for (const tile of job.running) tile.cancel();
      },
      () => undefined,
    );
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
    deadline.abort();
    await Promise.all([drained, cutOff]);
    for (const [jobId, job] of this.#jobs) this.#leave(jobId, job);
    this.#source.dispose();
  }

  #begin(record: JobRecord): void {
    if (this.#isClosing) return;
    const job: Job = {
      record,
      left: new AbortController(),
      running: new Set(),
      scene: undefined,
      sceneFailure: undefined,
    };
    this.#jobs.set(record.jobId, job);
    this.#options.logger.info({ jobId: record.jobId, name: record.name }, 'job assigned');
    void this.#bringScene(job);
  }

  #leave(jobId: JobId, job: Job): void {
    this.#jobs.delete(jobId);
    job.left.abort();
    this.#source.closeJob(jobId);
    for (const tile of job.running) tile.cancel();
    job.scene?.release();
    job.scene = undefined;
    this.#options.logger.info({ jobId, tilesCancelled: job.running.size }, 'job left');
  }

  /** No tile is pulled before the package is here: a lease held through a download is a tile kept from others. */
  async #bringScene(job: Job): Promise<void> {
    const { jobId } = job.record;
    for (let attempt = 0; !job.left.signal.aborted; attempt++) {
      try {
        const scene = await this.#options.cache.acquire(job.record.manifest);
        if (job.left.signal.aborted) {
          scene.release();
          return;
        }
        job.scene = scene;
        this.#source.openJob(jobId);
        return;
      } catch (error) {
        if (error instanceof FarmError && error.code.startsWith('SCENE_')) {
          job.sceneFailure = attemptFailure(error);
          this.#source.openJob(jobId);
          return;
        }
        if (job.left.signal.aborted) return;
        this.#options.logger.warn({ jobId, attempt, err: error }, 'scene package not here yet, trying again');
        const delayMs = Math.min(SCENE_RETRY_MS_MAX, 250 * 2 ** Math.min(attempt, 8));
        await delay(delayMs, undefined, { signal: job.left.signal }).catch(() => undefined);
      }
    }
  }

  #flawOf({ jobId, region }: TileMessage): string | undefined {
    const { widthPx, heightPx } = this.#jobs.get(jobId)?.record.settings ?? {};
    if (widthPx === undefined || heightPx === undefined) return undefined;
    if (region.x1 <= widthPx && region.y1 <= heightPx) return undefined;
    return `region: it ends at ${region.x1},${region.y1}, outside the frame of ${widthPx}x${heightPx} px`;
  }

  /** Its frame is prepared while others render: at most once per node, whoever asks first. */
  #prepare(ticket: Ticket): void {
    const job = this.#jobs.get(ticket.tile.jobId);
    invariant(job, `a tile of job ${ticket.tile.jobId} came after the job had left`);
    this.#jobOf.set(ticket, job);
    if (job.scene) {
      const { frame } = ticket.tile;
      const { settings } = job.record;
      const hold = this.#options.frames.hold(`${job.record.jobId}/${frame}`, {
        renderer: settings.renderer,
        scene: job.scene.scene,
        settings,
        frame,
      });
      this.#holds.set(ticket, hold);
      if (!hold.settled()) {
        void hold.outcome.then(() => this.#ready(ticket));
        return;
      }
    }
    this.#ready(ticket);
  }

  #ready(ticket: Ticket): void {
    this.#source.markReady(ticket);
    this.#pump();
  }

  /** Fills the slots. */
  #pump(): void {
    while (!this.#isClosing && this.#rendering < this.#source.renderingMax) {
      const ticket = this.#source.take();
      if (!ticket) return;
      this.#rendering++;
      const run: Promise<void> = this.#run(ticket).finally(() => this.#inFlight.delete(run));
      this.#inFlight.add(run);
    }
  }

  async #run(ticket: Ticket): Promise<void> {
    const outcome = await this.#render(ticket);
    this.#holds.get(ticket)?.release();
    if (outcome.kind === 'cancelled') {
      this.#rendering--;
      this.#source.handBack(ticket);
      this.#pump();
      return;
    }
    const bytes = outcome.kind === 'rendered' ? outcome.bytes : undefined;
    // The slot waits here while results cannot be stored: memory stays bounded, however long the server is away.
    const window = this.#publishing.enter(bytes?.length ?? 0);
    if (window) await window;
    this.#rendering--;
    this.#source.rendered(ticket, outcome.kind === 'rendered' ? outcome.renderMs : undefined);
    this.#pump();
    await this.#report(ticket, outcome, bytes);
    this.#publishing.leave(bytes?.length ?? 0);
    this.#pump();
  }

  async #render(ticket: Ticket): Promise<RenderOutcome> {
    const job = this.#jobOf.get(ticket)!;
    const frame: FrameOutcome | undefined = this.#holds.get(ticket)?.settled();
    const failure = job.sceneFailure ?? (frame?.kind === 'failed' ? frame : undefined);
    const renderer = job.record.settings.renderer;
    if (failure) return { ...failure, kind: 'failed', threadId: 0, renderer, renderMs: 0, coreSeconds: 0 };
    if (job.left.signal.aborted || frame?.kind !== 'ready') return { kind: 'cancelled', threadId: 0 };
    const tile = this.#options.pool.render(frame.key, frame.context, ticket.tile.region);
    job.running.add(tile);
    this.#runningOf.set(ticket, tile);
    try {
      return await tile.outcome;
    } finally {
      job.running.delete(tile);
    }
  }

  async #report(ticket: Ticket, outcome: Ended, bytes: Uint8Array | undefined): Promise<void> {
    const { bus, nodeId, logger } = this.#options;
    const { jobId, planId, frame, tile, attempt } = ticket.tile;
    if (outcome.kind === 'failed')
      logger.warn(
        { jobId, frame, tile, attempt, code: outcome.code, err: outcome.message },
        'attempt failed',
      );
    const common = { jobId, planId, frame, tile, attempt, nodeId, renderer: outcome.renderer };
    const cost = {
      renderMs: outcome.renderMs,
      coreSeconds: outcome.coreSeconds,
      peakMemoryBytes: residentBytes(),
    };
    try {
      await publishResult(
        bus,
        { ...common, ...cost, outcome: summaryOf(outcome) },
        bytes,
        this.#giveUp.signal,
      );
      this.tilesDone++;
      this.#source.acknowledge(ticket);
    } catch (error) {
      logger.error({ jobId, frame, tile, attempt, err: error }, 'result not stored, tile handed back');
      this.#source.handBack(ticket);
    }
  }
}

function summaryOf(outcome: Ended) {
  if (outcome.kind === 'rendered') {
    return {
      kind: 'rendered' as const,
      digest: digestSchema.parse(outcome.digest),
      sizeBytes: outcome.bytes.length,
    };
  }
  return {
    kind: 'failed' as const,
    code: outcome.code.slice(0, 64),
    message: outcome.message.slice(0, LIMITS.logTailCharsMax),
    logTail: outcome.logTail.slice(-LIMITS.logTailCharsMax),
    permanent: outcome.permanent,
  };
}
