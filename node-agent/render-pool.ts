/**
 * One thread per slot, each with a warm session. A tile's thread may be told to stop (a flag in shared memory); when it
 * does not heed that, shows no sign of life, takes more time or memory than it may, throws outside its promise or exits,
 * its tile is a failed attempt, the thread is replaced, and the other slots notice nothing.
 */
import { tmpdir } from 'node:os';
import type { Region } from '#shared/domain/region.js';
import type { Logger } from '#shared/log.js';
import { endedThread, stopped } from './ended-tile.js';
import { largestTile } from './largest-tile.js';
import { LostTime } from './lost-time.js';
import type { PreparedFrames } from './prepared-frames.js';
import type { FrameContext, RenderAnswer, RenderReply, RenderTask, RenderThreadData } from './render-task.js';
import { isOwnRenderer } from './renderers/registry.js';
import { removeScratch } from './scratch-folder.js';
import { memoryMessage, processMemoryBytesMax, slotMemoryBytes } from './slot-memory.js';
import { ThreadPool, type ThreadPoolOptions } from './thread-pool.js';
import {
  type ControlBlock,
  cancel,
  excessBytes,
  hasBegun,
  newControlBlock,
  progressRatio,
  rewind,
} from './tile-control.js';
import { type TileExpectation, type TileLimits, tileLimits } from './tile-limits.js';
import { TileWatch, type Verdict } from './tile-watch.js';

/** Renderers promise to ask every 100 ms or so; this leaves room for a machine that swaps. */
const SILENT_MS_MAX = 120_000;
/** From the flag to the end of the thread. */
const CANCEL_MS_MAX = 2_000;
const WATCH_EVERY_MS = 500;
/** After a thread was ended for its memory: the kernel needs a moment to get it back. */
const MEMORY_REST_MS = 2_000;
/**
 * Waking a thread costs up to 90 µs (measured), so tiles shorter than `SHORT_MS` travel together, for at most `BATCH_MS`
 * of work and `BATCH_MAX` tiles.
 */
const SHORT_MS = 2;
const BATCH_MS = 4;
const BATCH_MAX = 16;
const MEAN_WEIGHT = 0.1;
/** One tile whose thread lost its core to another process says little; two in a row end the batches. */
const SAMPLE_MS_MAX = 5 * SHORT_MS;
const FRAMES_REMEMBERED = 16;
/** A node with nothing to do gives the memory of open scenes back; opening one again takes seconds. */
const IDLE_MS_MAX = 60_000;
/** For sessions to be closed; what takes longer ends with its thread. */
const CLOSE_MS_MAX = 1_000;

export type RenderOutcome = RenderAnswer;

/** A tile in the pool. */
export interface RunningTile {
  /** Never rejects. */
  readonly outcome: Promise<RenderOutcome>;
  cancel(): void;
  /** A thread has begun to render it. */
  hasBegun(): boolean;
  /** 0 to 1. */
  progressRatio(): number;
}

export interface RenderPoolOptions {
  readonly slots: number;
  readonly logger: Logger;
  /** Of each slot; default: an equal part of the machine. */
  readonly slotMemoryBytes?: number;
  /** Who prepares the frames, in the same process and so in the same memory. */
  readonly preparation?: Pick<PreparedFrames, 'isAtWork' | 'sharedBytes' | 'endForMemory'>;
  readonly onBroken?: ThreadPoolOptions['onBroken'];
  readonly silentMsMax?: number;
  readonly cancelMsMax?: number;
  /** Without a tile for so long, open scenes are let go. */
  readonly idleMsMax?: number;
  readonly limitsOf?: (known: TileExpectation) => TileLimits;
  /** Resident bytes of the process above which a thread is ended, given what prepared frames take. */
  readonly processBytesMax?: (sharedBytes: number) => number;
  /** Of this pool alone: sessions make theirs in it. Default: among the system's temporary files. */
  readonly scratchFolder?: string;
  /** Entry of the threads. */
  readonly threadFile?: URL;
}

interface Tile {
  readonly key: string;
  readonly context: FrameContext;
  readonly region: Region;
  readonly control: ControlBlock;
  readonly settle: (outcome: RenderOutcome) => void;
  readonly expectation: TileExpectation;
  /** Ends the thread; set while the tile is with one. */
  kill: AbortController | undefined;
  watch: TileWatch;
  /** Somebody has no use for it any more. */
  cancelledAtMs: number | undefined;
  /** Why it is ended by the pool itself, and since when it is asked to stop. */
  verdict: Verdict | undefined;
  judgedAtMs: number;
}

/** What is known of a frame: of another one's tiles it would say nothing. */
interface FrameKnowledge {
  /** Which threads have its context. */
  readonly threads: Set<number>;
  /** Of its tiles of late, none counted for more than `SAMPLE_MS_MAX`; infinite before the first. */
  meanMs: number;
  /** The same with their full times; undefined before the first. */
  fullMeanMs: number | undefined;
}

export class RenderPool implements AsyncDisposable {
  readonly #pool: ThreadPool;
  readonly #options: RenderPoolOptions;
  readonly #slotBytes: number;
  readonly #tiles = new Set<Tile>();
  /** Short tiles of this turn of the event loop. */
  #pending: Tile[] = [];
  readonly #frames = new Map<string, FrameKnowledge>();
  readonly #timer: NodeJS.Timeout;
  readonly #lostTime = new LostTime(WATCH_EVERY_MS);
  #memoryLookAtMs = 0;
  #looksOverMemory = 0;
  /** Sessions of programs or modules may be open in the threads. */
  #holdsScenes = false;
  #lastTileAtMs = 0;

  constructor(options: RenderPoolOptions) {
    this.#options = options;
    this.#slotBytes = options.slotMemoryBytes ?? slotMemoryBytes(0, options.slots);
    const data: RenderThreadData = {
      slotMemoryBytes: this.#slotBytes,
      scratchFolder: options.scratchFolder ?? tmpdir(),
    };
    this.#pool = new ThreadPool({
      name: 'render',
      file: options.threadFile ?? new URL('./render-worker.js', import.meta.url),
      threads: options.slots,
      memoryBytes: this.#slotBytes,
      data,
      sleepsBetweenTasks: true,
      logger: options.logger,
      onBroken: options.onBroken,
    });
    this.#timer = setInterval(() => this.#watch(performance.now()), WATCH_EVERY_MS);
    this.#timer.unref();
  }

  /**
   * @param key       names the job and the frame: equal keys mean equal contexts.
   * @param expected  what is known elsewhere of the time that it may take.
   */
  render(key: string, context: FrameContext, region: Region, expected: TileExpectation = {}): RunningTile {
    const control = newControlBlock();
    const { promise: outcome, resolve: settle } = promiseOf<RenderOutcome>();
    const state = { kill: undefined, cancelledAtMs: undefined, verdict: undefined, judgedAtMs: 0 };
    const watch = new TileWatch(control);
    const tile: Tile = { key, context, region, control, settle, expectation: expected, watch, ...state };
    this.#tiles.add(tile);
    if (this.#batchMax(key) === 1) void this.#run([tile]);
    else if (this.#pending.push(tile) === 1) setImmediate(() => this.#flush());
    return {
      outcome,
      cancel: () => {
        cancel(control);
        tile.cancelledAtMs ??= performance.now();
      },
      hasBegun: () => hasBegun(control),
      progressRatio: () => progressRatio(control),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    if (this.#holdsScenes) await this.#pool.runInEach('closeSessions', CLOSE_MS_MAX);
    await this.#pool[Symbol.asyncDispose]();
  }

  #batchMax(key: string): number {
    const meanMs = this.#frames.get(key)?.meanMs ?? Number.POSITIVE_INFINITY;
    if (meanMs >= SHORT_MS) return 1;
    return Math.max(1, Math.min(BATCH_MAX, Math.floor(BATCH_MS / meanMs)));
  }

  /** Tiles of one frame together, spread over the slots. */
  #flush(): void {
    const byKey = new Map<string, Tile[]>();
    for (const tile of this.#pending) byKey.set(tile.key, [...(byKey.get(tile.key) ?? []), tile]);
    // Spread over the slots when they have nothing else. While they are busy, half of a slot's load travels together:
    // split once more with each answer, batches would shrink to single tiles.
    const { slots } = this.#options;
    const perSlot = Math.max(
      Math.ceil(this.#pending.length / slots),
      Math.ceil(this.#tiles.size / (2 * slots)),
    );
    this.#pending = [];
    for (const [key, tiles] of byKey) {
      const share = Math.min(this.#batchMax(key), perSlot);
      for (let start = 0; start < tiles.length; start += share)
        void this.#run(tiles.slice(start, start + share));
    }
  }

  async #run(tiles: readonly Tile[]): Promise<void> {
    const startMs = performance.now();
    const { key, context } = tiles[0]!;
    if (!isOwnRenderer(context.renderer)) this.#holdsScenes = true;
    const kill = new AbortController();
    for (const tile of tiles) tile.kill = kill;
    try {
      const answers = await this.#send(key, context, tiles, kill.signal);
      for (const [index, answer] of answers.entries()) {
        const tile = tiles[index]!;
        if (answer.kind === 'rendered') this.#learn(key, answer.renderMs);
        this.#settle(tile, answer.kind === 'cancelled' ? stopped(tile) : answer);
      }
    } catch (error) {
      this.#removeScratch();
      // Thread ids are not used again; who has the frame, and whether its tiles may travel together, is found out anew.
      const frame = this.#frame(key);
      frame.threads.clear();
      frame.meanMs = Number.POSITIVE_INFINITY;
      for (const tile of tiles) {
        if (tile.cancelledAtMs !== undefined || tile.verdict) this.#settle(tile, stopped(tile));
        else if (tiles.length === 1 || excessBytes(tile.control) > 0)
          this.#settle(tile, endedThread(tile, error, this.#slotBytes, performance.now() - startMs));
        else this.#runAlone(tile);
      }
    }
  }

  /** One of a batch ended its thread: each goes again by itself, so that only that one is blamed. */
  #runAlone(tile: Tile): void {
    rewind(tile.control);
    tile.watch = new TileWatch(tile.control);
    void this.#run([tile]);
  }

  async #send(
    key: string,
    context: FrameContext,
    tiles: readonly Tile[],
    signal: AbortSignal,
  ): Promise<readonly RenderAnswer[]> {
    const bare: RenderTask = { key, tiles: tiles.map(({ region, control }) => ({ region, control })) };
    const have = this.#frame(key).threads;
    let task = have.size < this.#options.slots ? { ...bare, context } : bare;
    for (;;) {
      const reply = (await this.#pool.run(task, 'default', signal)) as RenderReply;
      if (reply.kind === 'answers') {
        have.add(reply.threadId);
        return reply.answers;
      }
      have.delete(reply.threadId);
      task = { ...bare, context };
    }
  }

  #learn(key: string, renderMs: number): void {
    const frame = this.#frame(key);
    const sampleMs = Math.min(renderMs, SAMPLE_MS_MAX);
    const mean = Number.isFinite(frame.meanMs) ? frame.meanMs : sampleMs;
    frame.meanMs = mean + MEAN_WEIGHT * (sampleMs - mean);
    const fullMeanMs = frame.fullMeanMs ?? renderMs;
    frame.fullMeanMs = fullMeanMs + MEAN_WEIGHT * (renderMs - fullMeanMs);
  }

  /** A thread has ended under a tile. */
  #removeScratch(): void {
    const { scratchFolder, logger } = this.#options;
    if (scratchFolder !== undefined && this.#holdsScenes)
      void removeScratch(scratchFolder, () => this.#pool.threadIds, logger);
  }

  #settle(tile: Tile, outcome: RenderOutcome): void {
    this.#tiles.delete(tile);
    this.#lastTileAtMs = performance.now();
    tile.settle(outcome);
  }

  #frame(key: string): FrameKnowledge {
    let frame = this.#frames.get(key);
    if (!frame) {
      frame = { threads: new Set(), meanMs: Number.POSITIVE_INFINITY, fullMeanMs: undefined };
      this.#frames.set(key, frame);
      for (const old of this.#frames.keys()) {
        if (this.#frames.size <= FRAMES_REMEMBERED) break;
        this.#frames.delete(old);
      }
    }
    return frame;
  }

  #watch(nowMs: number): void {
    const { silentMsMax = SILENT_MS_MAX, cancelMsMax = CANCEL_MS_MAX, limitsOf = tileLimits } = this.#options;
    const { idleMsMax = IDLE_MS_MAX } = this.#options;
    const lostMs = this.#lostTime.since(nowMs);
    for (const tile of this.#tiles) {
      if (lostMs > 0) tile.watch.discount(lostMs);
      const askedAtMs = tile.cancelledAtMs ?? (tile.verdict && tile.judgedAtMs);
      if (askedAtMs !== undefined) {
        if (nowMs - askedAtMs > cancelMsMax) tile.kill?.abort();
        continue;
      }
      const limits = () =>
        limitsOf({ ...tile.expectation, ownMeanMs: this.#frames.get(tile.key)?.fullMeanMs });
      const verdict = tile.watch.look(nowMs, silentMsMax, limits);
      if (!verdict) continue;
      tile.verdict = verdict;
      tile.judgedAtMs = nowMs;
      if (verdict.isDeaf) tile.kill?.abort();
      else cancel(tile.control);
    }
    this.#watchMemory(nowMs);
    if (this.#holdsScenes && this.#tiles.size === 0 && nowMs - this.#lastTileAtMs > idleMsMax) {
      this.#holdsScenes = false;
      void this.#pool.runInEach('closeSessions', CLOSE_MS_MAX);
    }
  }

  /** What no thread can see of itself: array buffers of one that never asks, memory of native code, all slots together. */
  #watchMemory(nowMs: number): void {
    const { preparation, slots, logger } = this.#options;
    const isPreparing = preparation?.isAtWork ?? false;
    if ((this.#tiles.size === 0 && !isPreparing) || nowMs < this.#memoryLookAtMs) return;
    const usedBytes = process.memoryUsage.rss();
    // What a frame takes is known once it is prepared; until then the machine alone sets the bound.
    const sharedBytes = isPreparing ? Number.POSITIVE_INFINITY : (preparation?.sharedBytes ?? 0);
    const limitBytes =
      this.#options.processBytesMax?.(sharedBytes) ??
      processMemoryBytesMax(slots, this.#slotBytes, sharedBytes);
    // Twice in a row: by then a thread that gives no account of its memory is known to be silent.
    this.#looksOverMemory = usedBytes > limitBytes ? this.#looksOverMemory + 1 : 0;
    if (this.#looksOverMemory < 2) return;
    this.#looksOverMemory = 0;
    this.#memoryLookAtMs = nowMs + MEMORY_REST_MS;
    const tile = largestTile(this.#tiles, nowMs);
    const isPreparationEnded = !tile?.isSilent && preparation?.endForMemory(usedBytes, limitBytes);
    if (!isPreparationEnded && !tile) return;
    logger.warn({ bytes: usedBytes, limitBytes }, 'memory limit reached, ending the largest thread');
    if (isPreparationEnded || !tile) return;
    const said = memoryMessage(`all of its ${slots} slots together the agent`, usedBytes, limitBytes);
    const why = tile.isSilent ? 'gave no account of its own' : 'had the most';
    tile.of.verdict = {
      code: 'TILE_MEMORY_LIMIT',
      message: `${said}, and this tile's thread ${why}`,
      isDeaf: true,
    };
    tile.of.judgedAtMs = nowMs;
    tile.of.kill?.abort();
  }
}

function promiseOf<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}
