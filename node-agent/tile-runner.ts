/**
 * The whole story of a node: a tile is taken from the queue, its lease renewed while it is here, its frame prepared, its
 * pixels rendered in a slot's thread, its result stored on the bus, and only then is it acknowledged. Whatever goes wrong
 * in between is a failed attempt with its log, or a tile handed back: never silence.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '#shared/bus/connect.js';
import type { Heartbeat, HeartbeatAnswer, TileMessage } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import { invariant } from '#shared/invariant.js';
import { LIMITS } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import type { AssignedJob } from './assignments.js';
import { bringScene, type JobTrouble, troubleOf } from './bring-scene.js';
import type { JobShare } from './fair-share.js';
import { YIELD_MS } from './job-tiles.js';
import type { FrameHold, FrameOutcome, PreparedFrames } from './prepared-frames.js';
import { type Ended, publishOutcome } from './publish-outcome.js';
import { PublishWindow } from './publish-window.js';
import type { RenderOutcome, RenderPool, RunningTile } from './render-pool.js';
import type { AttemptFailure } from './render-task.js';
import type { HeldScene, SceneCache } from './scene-cache.js';
import type { Ticket } from './ticket.js';
import { TileSource } from './tile-source.js';

export interface TileRunnerOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly cache: SceneCache;
  readonly frames: PreparedFrames;
  readonly pool: RenderPool;
  readonly logger: Logger;
  /** Somebody is there who judges a node on which everything fails. */
  isJudged(): Promise<boolean>;
  /** Tiles of capped jobs may begin now (licence-fence.ts). */
  mayBeginCapped(): boolean;
  /** Nothing renders any more of a job that was taken away, or is to be finished. */
  onCleared(): void;
}

/** A job that this node works for. */
interface Job {
  readonly record: JobRecord;
  share: JobShare;
  readonly left: AbortController;
  readonly running: Set<RunningTile>;
  scene: HeldScene | undefined;
  /** The package can never be used. */
  sceneFailure: AttemptFailure | undefined;
  /** Why its package is not here. */
  trouble: JobTrouble | undefined;
}

/** What is cancelled has been handed back already; its threads get a moment to end by themselves. */
const CUT_OFF_MS = 500;
/** How often a node that drains says what it waits for. */
const DRAIN_TOLD_EVERY_MS = 5_000;

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
  /** When slots that were taken at once may be used by whoever has tiles. */
  #yielding: NodeJS.Timeout | undefined;
  #isClosing = false;
  /** Rendered tiles whose results were stored since the start. */
  tilesDone = 0;
  /** Those that got a slot since the start. */
  tilesTaken = 0;

  constructor(options: TileRunnerOptions) {
    this.#options = options;
    // Every publish under way listens.
    setMaxListeners(0, this.#giveUp.signal);
    this.#publishing = new PublishWindow(options.slots);
    this.#source = new TileSource({
      bus: options.bus,
      nodeId: options.nodeId,
      slots: options.slots,
      logger: options.logger,
      flawOf: (tile) => this.#flawOf(tile),
      onTicket: (ticket) => this.#prepare(ticket),
      onDropped: (ticket) => this.#holds.get(ticket)?.release(),
      onReleased: () => this.#pump(),
      hasBegun: (ticket) => this.#runningOf.get(ticket)?.hasBegun() ?? false,
      isJudged: options.isJudged,
      mayBeginCapped: options.mayBeginCapped,
      onCleared: options.onCleared,
    });
  }

  get slotsBusy(): number {
    return Math.min(this.#rendering, this.#options.slots);
  }

  get jobIds(): JobId[] {
    return [...this.#jobs.keys()];
  }

  /**
   * What the node works for from now on. Jobs that left are aborted, new ones begun; of those to be finished, what renders
   * is finished and what is buffered goes back; those that yield lose at once what they render beyond their slots.
   */
  setJobs(assigned: ReadonlyMap<JobId, AssignedJob>): void {
    for (const [jobId, job] of this.#jobs) {
      const now = assigned.get(jobId);
      const isBroughtInVain = now?.isFinishing && !job.scene && !job.sceneFailure;
      if (!now || isBroughtInVain) this.#leave(jobId, job);
      else job.share = now.share;
    }
    const stopped = this.#source.setStandings(assigned);
    if ([...assigned.values()].some(({ yields }) => yields)) this.#yieldSlots(stopped);
    for (const { record, share, isFinishing } of assigned.values())
      if (!isFinishing && !this.#jobs.has(record.jobId)) this.#begin(record, share);
    this.#pump();
  }

  /** There is no telling whether their licences are still this node's: tiles of capped jobs go back, and none begins. */
  abortCapped(): void {
    let tiles = 0;
    for (const { share, running } of this.#jobs.values()) {
      if (share.slotsMax === undefined) continue;
      for (const tile of running) tile.cancel();
      tiles += running.size;
    }
    if (tiles > 0)
      this.#options.logger.warn({ tiles }, 'no contact with the bus, tiles of limited jobs aborted');
  }

  /** Tiles may begin that were not allowed to before. */
  resume(): void {
    this.#pump();
  }

  /** Nothing is at hand in any state, and nothing is being brought. */
  get isIdle(): boolean {
    const isBringing = [...this.#jobs.values()].some(({ scene, sceneFailure }) => !scene && !sceneFailure);
    return !isBringing && this.#inFlight.size === 0 && this.#source.isEmpty;
  }

  /** It takes nothing more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Its grace is over, and what was at work is handed back. */
  get hasGivenUp(): boolean {
    return this.#giveUp.signal.aborted;
  }

  /** Tiles rendering, and tiles done whose results are on their way. */
  get atWork(): TileSource['atWork'] {
    return this.#source.atWork;
  }

  /** What keeps this node from working for its jobs. */
  troubles(): NonNullable<Heartbeat['troubles']> {
    const troubles: { jobId: JobId; code: string; message: string }[] = [];
    for (const [jobId, { record, scene, sceneFailure, trouble }] of this.#jobs) {
      if (scene || sceneFailure || troubles.length === LIMITS.troublesPerNodeMax) continue;
      const interrupted = trouble ? undefined : this.#options.cache.interruptionOf(record.manifest);
      const known = trouble ?? (interrupted === undefined ? undefined : troubleOf(interrupted));
      if (known) troubles.push({ jobId, ...known });
    }
    return troubles;
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
   * Takes no more tiles; buffered ones are handed back, those at work have `graceMs` to end, then they are cancelled and
   * handed back too. No tile that is handed back has a result, and none has spent an attempt.
   */
  async close(graceMs: number, pullWaitMs: number): Promise<void> {
    this.#isClosing = true;
    for (const job of this.#jobs.values()) if (!job.scene) job.left.abort();
    const drained = this.#source.close(Math.min(graceMs, pullWaitMs));
    const tell = () => this.#options.logger.info({ graceMs, ...this.atWork }, 'agent drains');
    tell();
    const telling = setInterval(tell, DRAIN_TOLD_EVERY_MS);
    const ended = this.#allEnded();
    if (!(await endsWithin(ended, graceMs))) {
      this.#options.logger.warn({ graceMs, ...this.atWork }, 'grace is over, tiles handed back');
      this.#giveUp.abort();
      for (const job of this.#jobs.values()) for (const tile of job.running) tile.cancel();
      this.#source.handBackAll();
      await endsWithin(ended, CUT_OFF_MS);
    }
    clearInterval(telling);
    await drained;
    for (const [jobId, job] of this.#jobs) this.#leave(jobId, job);
    this.#source.dispose();
    clearTimeout(this.#yielding);
  }

  async #allEnded(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.allSettled(this.#inFlight);
  }

  #begin(record: JobRecord, share: JobShare): void {
    if (this.#isClosing) return;
    const job: Job = {
      record,
      share,
      left: new AbortController(),
      running: new Set(),
      scene: undefined,
      sceneFailure: undefined,
      trouble: undefined,
    };
    this.#jobs.set(record.jobId, job);
    this.#options.logger.info({ jobId: record.jobId, name: record.name }, 'job assigned');
    void this.#bringScene(job);
  }

  /** Others take slots at once; what they have left unused after a while, whoever has tiles may use. */
  #yieldSlots(tickets: readonly Ticket[]): void {
    for (const ticket of tickets) this.#runningOf.get(ticket)?.cancel();
    clearTimeout(this.#yielding);
    this.#yielding = setTimeout(() => this.#pump(), YIELD_MS + 1).unref();
    this.#options.logger.info({ tiles: tickets.length }, 'tiles aborted for a job of higher priority');
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

  async #bringScene(job: Job): Promise<void> {
    const { jobId, manifest } = job.record;
    const { cache, logger } = this.#options;
    const onTrouble = (trouble: JobTrouble | undefined) => {
      job.trouble = trouble;
    };
    const signal = job.left.signal;
    const brought = await bringScene({ cache, jobId, manifest, logger, signal, onTrouble });
    if (!brought) return;
    if (signal.aborted) {
      if ('scene' in brought) brought.release();
      return;
    }
    if ('scene' in brought) job.scene = brought;
    else job.sceneFailure = brought;
    this.#source.openJob(jobId, job.share);
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
      const { settings, tileTimeLimitMs, rendererVersion } = job.record;
      const { scene } = job.scene;
      const task = { renderer: settings.renderer, rendererVersion, scene, settings, frame };
      const hold = this.#options.frames.hold(`${job.record.jobId}/${frame}`, task, tileTimeLimitMs);
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
      this.tilesTaken++;
      const run: Promise<void> = this.#run(ticket).finally(() => this.#inFlight.delete(run));
      this.#inFlight.add(run);
    }
  }

  async #run(ticket: Ticket): Promise<void> {
    const outcome = await this.#render(ticket);
    this.#holds.get(ticket)?.release();
    if (outcome.kind === 'cancelled' || this.#giveUp.signal.aborted) {
      this.#rendering--;
      this.#source.handBack(ticket);
      this.#pump();
      return;
    }
    const sizeBytes = outcome.kind === 'rendered' ? outcome.bytes.length : 0;
    // The slot waits here while results cannot be stored: memory stays bounded, however long the server is away.
    const window = this.#publishing.enter(sizeBytes);
    if (window) await window;
    this.#rendering--;
    if (outcome.kind === 'rendered') this.#source.rendered(ticket, outcome.renderMs);
    else this.#source.failed(ticket, !outcome.permanent);
    this.#pump();
    await this.#report(ticket, outcome);
    this.#publishing.leave(sizeBytes);
    this.#pump();
  }

  async #render(ticket: Ticket): Promise<RenderOutcome> {
    const job = this.#jobOf.get(ticket)!;
    const frame: FrameOutcome | undefined = this.#holds.get(ticket)?.settled();
    const failure = job.sceneFailure ?? (frame?.kind === 'failed' ? frame : undefined);
    const renderer = job.record.settings.renderer;
    if (failure) return { ...failure, kind: 'failed', threadId: 0, renderer, renderMs: 0, coreSeconds: 0 };
    if (job.left.signal.aborted || frame?.kind !== 'ready') return { kind: 'cancelled', threadId: 0 };
    const { region, expectedMs } = ticket.tile;
    const { tileTimeLimitMs } = job.record;
    const tile = this.#options.pool.render(frame.key, frame.context, region, { tileTimeLimitMs, expectedMs });
    job.running.add(tile);
    this.#runningOf.set(ticket, tile);
    try {
      return await tile.outcome;
    } finally {
      job.running.delete(tile);
    }
  }

  async #report(ticket: Ticket, outcome: Ended): Promise<void> {
    const { bus, nodeId, logger } = this.#options;
    const { jobId, frame, tile, attempt } = ticket.tile;
    const facts = { jobId, frame, tile, attempt };
    if (outcome.kind === 'failed')
      logger.warn({ ...facts, code: outcome.code, err: outcome.message }, 'attempt failed');
    if (this.#giveUp.signal.aborted) {
      this.#source.handBack(ticket);
      return;
    }
    try {
      await publishOutcome(bus, nodeId, ticket.tile, outcome, this.#giveUp.signal);
      if (outcome.kind === 'rendered') this.tilesDone++;
      this.#source.acknowledge(ticket);
    } catch (error) {
      logger.error({ ...facts, err: error }, 'result not stored, tile handed back');
      this.#source.handBack(ticket);
    }
  }
}

/** @returns whether it ended in time. */
async function endsWithin(ended: Promise<void>, timeoutMs: number): Promise<boolean> {
  const abort = new AbortController();
  const timeout = delay(timeoutMs, false, { signal: abort.signal }).catch(() => false);
  const isInTime = await Promise.race([ended.then(() => true), timeout]);
  abort.abort();
  return isInTime;
}
