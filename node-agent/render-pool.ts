/**
 * One thread per slot, each with a warm session. A tile's thread may be told to stop (a flag in shared memory); when it
 * does not heed that, shows no sign of life, throws outside its promise or exits, the thread is replaced, its tile is a
 * failed attempt, and the other slots notice nothing.
 */
import { Piscina } from 'piscina';
import type { Region } from '#shared/domain/region.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { THREAD_OPTIONS } from '#shared/thread-options.js';
import type { FrameContext, RenderAnswer, RenderReply, RenderTask } from './render-task.js';
import {
  type ControlBlock,
  cancel,
  hasBegun,
  isCancelled,
  newControlBlock,
  progressRatio,
  signOfLife,
} from './tile-control.js';

/** Renderers promise to ask every 100 ms or so; this leaves room for a machine that swaps. */
const SILENT_MS_MAX = 120_000;
/** From the flag to the end of the thread. */
const CANCEL_MS_MAX = 2_000;
const WATCH_EVERY_MS = 500;
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

export type RenderOutcome = RenderAnswer;

/** A tile in the pool. */
export interface RunningTile {
  /** Never rejects. */
  readonly outcome: Promise<RenderOutcome>;
  cancel(): void;
  /** 0 to 1. */
  progressRatio(): number;
}

export interface RenderPoolOptions {
  readonly slots: number;
  readonly logger: Logger;
  readonly silentMsMax?: number;
  readonly cancelMsMax?: number;
}

interface Tile {
  readonly key: string;
  readonly context: FrameContext;
  readonly region: Region;
  readonly control: ControlBlock;
  readonly settle: (outcome: RenderOutcome) => void;
  /** Ends the thread; set while the tile is with one. */
  kill: AbortController | undefined;
  life: string;
  aliveAtMs: number;
  cancelledAtMs: number | undefined;
  /** Why it was killed. */
  verdict: string | undefined;
}

/** What is known of a frame: of another one's tiles it would say nothing. */
interface FrameKnowledge {
  /** Which threads have its context. */
  readonly threads: Set<number>;
  /** Of its tiles of late; infinite before the first. */
  meanMs: number;
}

export class RenderPool implements AsyncDisposable {
  readonly #pool: Piscina;
  readonly #options: Required<RenderPoolOptions>;
  readonly #tiles = new Set<Tile>();
  /** Short tiles of this turn of the event loop. */
  #pending: Tile[] = [];
  readonly #frames = new Map<string, FrameKnowledge>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: RenderPoolOptions) {
    this.#options = { silentMsMax: SILENT_MS_MAX, cancelMsMax: CANCEL_MS_MAX, ...options };
    this.#pool = new Piscina({
      ...THREAD_OPTIONS,
      filename: new URL('./render-worker.js', import.meta.url).href,
      minThreads: options.slots,
      maxThreads: options.slots,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
    });
    // A thread that ends under a tile rejects that tile; this event is for threads at rest.
    this.#pool.on('error', (error: unknown) => options.logger.error({ err: error }, 'render thread ended'));
    this.#timer = setInterval(() => this.#watch(Date.now()), WATCH_EVERY_MS);
    this.#timer.unref();
  }

  /** @param key names the job and the frame: equal keys mean equal contexts. */
  render(key: string, context: FrameContext, region: Region): RunningTile {
    const control = newControlBlock();
    const { promise: outcome, resolve: settle } = promiseOf<RenderOutcome>();
    const state = {
      kill: undefined,
      life: '',
      aliveAtMs: Date.now(),
      cancelledAtMs: undefined,
      verdict: undefined,
    };
    const tile: Tile = { key, context, region, control, settle, ...state };
    this.#tiles.add(tile);
    if (this.#batchMax(key) === 1) void this.#run([tile]);
    else if (this.#pending.push(tile) === 1) setImmediate(() => this.#flush());
    return {
      outcome,
      cancel: () => {
        cancel(control);
        tile.cancelledAtMs ??= Date.now();
      },
      progressRatio: () => progressRatio(control),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.destroy();
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
    const kill = new AbortController();
    for (const tile of tiles) tile.kill = kill;
    try {
      const answers = await this.#send(key, context, tiles, kill.signal);
      for (const [index, answer] of answers.entries()) {
        if (answer.kind === 'rendered') this.#learn(key, answer.renderMs);
        this.#settle(tiles[index]!, answer);
      }
    } catch (error) {
      // Thread ids are not used again; who has the frame is found out anew.
      this.#frames.delete(key);
      if (tiles.length === 1) this.#settle(tiles[0]!, endedThread(tiles[0]!, error, startMs));
      else for (const tile of tiles) this.#runAlone(tile);
    }
  }

  /** One of a batch ended its thread: each goes again by itself, so that only that one is blamed. */
  #runAlone(tile: Tile): void {
    if (isCancelled(tile.control)) {
      this.#settle(tile, { kind: 'cancelled', threadId: -1 });
      return;
    }
    tile.aliveAtMs = Date.now();
    tile.verdict = undefined;
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
      const reply = (await this.#pool.run(task, { signal })) as RenderReply;
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
  }

  #settle(tile: Tile, outcome: RenderOutcome): void {
    this.#tiles.delete(tile);
    tile.settle(outcome);
  }

  #frame(key: string): FrameKnowledge {
    let frame = this.#frames.get(key);
    if (!frame) {
      frame = { threads: new Set(), meanMs: Number.POSITIVE_INFINITY };
      this.#frames.set(key, frame);
      for (const old of this.#frames.keys()) {
        if (this.#frames.size <= FRAMES_REMEMBERED) break;
        this.#frames.delete(old);
      }
    }
    return frame;
  }

  #watch(nowMs: number): void {
    const { silentMsMax, cancelMsMax } = this.#options;
    for (const tile of this.#tiles) {
      const life = signOfLife(tile.control);
      if (life !== tile.life || !hasBegun(tile.control)) {
        tile.life = life;
        tile.aliveAtMs = nowMs;
      }
      const isDeaf = tile.cancelledAtMs !== undefined && nowMs - tile.cancelledAtMs > cancelMsMax;
      if (!isDeaf && nowMs - tile.aliveAtMs <= silentMsMax) continue;
      tile.verdict = `the renderer showed no sign of life for ${nowMs - tile.aliveAtMs} ms; its thread was ended`;
      tile.kill?.abort();
    }
  }
}

function endedThread(tile: Tile, error: unknown, startMs: number): RenderOutcome {
  if (isCancelled(tile.control)) return { kind: 'cancelled', threadId: -1 };
  return {
    kind: 'failed',
    threadId: -1,
    renderer: tile.context.renderer,
    code: 'RENDER_FAILED',
    message: tile.verdict ?? `the tile ended its thread: ${messageOf(error)}`,
    logTail: error instanceof Error ? (error.stack ?? '') : '',
    permanent: false,
    renderMs: performance.now() - startMs,
    coreSeconds: 0,
  };
}

function promiseOf<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((take) => {
    resolve = take;
  });
  return { promise, resolve };
}
