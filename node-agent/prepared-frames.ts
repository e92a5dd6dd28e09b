/**
 * The frames that are prepared on this node: each once, shared by whoever asks while it is under way, kept while tiles of
 * it are at hand, and a few more for the tiles that come next.
 */
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { isHeapExhausted } from './attempt-failure.js';
import { LostTime } from './lost-time.js';
import type { FrameContext, PrepareAnswer, PrepareTask } from './render-task.js';
import { NO_PROGRAMS, type Programs } from './renderers/program/program.js';
import { type describeOwnRenderers, isOwnRenderer } from './renderers/registry.js';
import { memoryMessage, slotMemoryBytes } from './slot-memory.js';
import { ThreadPool, type ThreadPoolOptions } from './thread-pool.js';
import { type ControlBlock, isAtWork, newControlBlock } from './tile-control.js';
import { prepareLimitMs, timeText } from './tile-limits.js';

/** Frames kept that no tile at hand needs: a prepared film scene may be gigabytes. */
const IDLE_FRAMES_KEPT = 2;
const WATCH_EVERY_MS = 500;

export interface PreparedFramesOptions {
  /** JS heap of the preparation's thread; what it allocates outside of that is watched with the whole process. */
  readonly slotMemoryBytes?: number;
  /** @returns how long a preparation may take, from the job's own limit per tile (0: none). */
  readonly limitMsOf?: (tileTimeLimitMs: number) => number;
  readonly onBroken?: ThreadPoolOptions['onBroken'];
  /** What the node has for renderers that are not our own code; finding that out may take a while when an agent starts. */
  readonly programs?: () => Promise<Programs>;
}

export type FrameOutcome =
  | { readonly kind: 'ready'; readonly key: string; readonly context: FrameContext }
  | Extract<PrepareAnswer, { kind: 'failed' }>;

type Failure = Extract<PrepareAnswer, { kind: 'failed' }>;

/** Somebody's hold on a frame; `release` it when no more of its tiles are at hand. */
export interface FrameHold {
  readonly outcome: Promise<FrameOutcome>;
  /** The outcome once it is known, so that a tile of a prepared frame need not wait for a turn of the event loop. */
  settled(): FrameOutcome | undefined;
  release(): void;
}

interface Entry {
  holders: number;
  readonly control: ControlBlock;
  readonly limitMs: number;
  /** When the watch first saw it in the thread. */
  begunAtMs: number | undefined;
  /** Why it was ended. */
  verdict: Pick<Failure, 'code' | 'message'> | undefined;
  sharedBytes: number;
  readonly abort: AbortController;
  readonly outcome: Promise<FrameOutcome>;
  settled: FrameOutcome | undefined;
}

export class PreparedFrames implements AsyncDisposable {
  readonly #pool: ThreadPool;
  readonly #limitMsOf: (tileTimeLimitMs: number) => number;
  readonly #memoryBytes: number;
  readonly #programs: () => Promise<Programs>;
  readonly #timer: NodeJS.Timeout;
  readonly #lostTime = new LostTime(WATCH_EVERY_MS);
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(logger: Logger, options: PreparedFramesOptions = {}) {
    this.#limitMsOf = options.limitMsOf ?? prepareLimitMs;
    this.#programs = options.programs ?? (async () => NO_PROGRAMS);
    this.#memoryBytes = options.slotMemoryBytes ?? slotMemoryBytes(0, 1);
    this.#pool = new ThreadPool({
      name: 'preparation',
      file: new URL('./prepare-worker.js', import.meta.url),
      threads: 1,
      memoryBytes: this.#memoryBytes,
      // Loading is asynchronous work (files, sharp), which a thread that blocks between tasks would hold up.
      sleepsBetweenTasks: false,
      logger,
      onBroken: options.onBroken,
    });
    this.#timer = setInterval(() => this.#watch(performance.now()), WATCH_EVERY_MS);
    this.#timer.unref();
  }

  /** Our own renderers that load on this node. */
  describe(): ReturnType<typeof describeOwnRenderers> {
    return this.#pool.run(undefined, 'describeOwnRenderers') as ReturnType<typeof describeOwnRenderers>;
  }

  /**
   * @param key              names the job and the frame; equal keys mean equal tasks.
   * @param tileTimeLimitMs  the job's; 0: none.
   */
  hold(key: string, task: PrepareTask, tileTimeLimitMs = 0): FrameHold {
    const entry = this.#entries.get(key) ?? this.#start(key, task, tileTimeLimitMs);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.holders++;
    let isHeld = true;
    return {
      outcome: entry.outcome,
      settled: () => entry.settled,
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        entry.holders--;
        if (entry.holders === 0) this.#dropIdle(key, entry);
      },
    };
  }

  /** Frames at hand or under way, for tests and logs. */
  get size(): number {
    return this.#entries.size;
  }

  /** What the frames at hand take of the process's memory; no slot has it to itself. */
  get sharedBytes(): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.sharedBytes;
    return bytes;
  }

  /** A frame is being prepared: of what the process uses, nobody knows how much is its. */
  get isAtWork(): boolean {
    return this.#atWork() !== undefined;
  }

  /** Ends the preparation at work, since the process is out of memory. @returns false when there is none. */
  endForMemory(usedBytes: number, limitBytes: number): boolean {
    const entry = this.#atWork();
    if (!entry) return false;
    const message = `${memoryMessage('the agent', usedBytes, limitBytes)} while it prepared the frame`;
    entry.verdict = { code: 'TILE_MEMORY_LIMIT', message };
    entry.abort.abort();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool[Symbol.asyncDispose]();
  }

  #start(key: string, task: PrepareTask, tileTimeLimitMs: number): Entry {
    const abort = new AbortController();
    const control = newControlBlock();
    const outcome = this.#withPrograms(task)
      .then(async (known): Promise<FrameOutcome> => {
        const reply = await this.#pool.run({ task: known, control }, 'prepare', abort.signal);
        const answer = reply as PrepareAnswer;
        if (answer.kind === 'failed') return answer;
        entry.sharedBytes = answer.sharedBytes;
        return { kind: 'ready', key, context: { ...known, prepared: answer.prepared } };
      })
      .catch((error: unknown): FrameOutcome => this.#endedThread(entry, task.frame, error))
      .then((settled) => {
        entry.settled = settled;
        return settled;
      });
    const state = { begunAtMs: undefined, verdict: undefined, sharedBytes: 0, settled: undefined };
    const limitMs = this.#limitMsOf(tileTimeLimitMs);
    const entry: Entry = { holders: 0, abort, control, limitMs, outcome, ...state };
    this.#entries.set(key, entry);
    return entry;
  }

  async #withPrograms(task: PrepareTask): Promise<PrepareTask> {
    return isOwnRenderer(task.renderer) ? task : { ...task, programs: await this.#programs() };
  }

  #endedThread(entry: Entry, frame: number, error: unknown): Failure {
    const isFull = isHeapExhausted(error);
    const reason = isFull
      ? `outgrew the JS heap of its thread (--slot-memory of the agent)`
      : `ended its thread: ${messageOf(error)}`;
    const failure = entry.verdict ?? {
      code: isFull ? 'TILE_MEMORY_LIMIT' : 'RENDER_FAILED',
      message: `preparing frame ${frame} ${reason}`,
    };
    return { kind: 'failed', ...failure, logTail: '', permanent: false };
  }

  /** The thread has one frame at a time; what waits for it has not begun. */
  #watch(nowMs: number): void {
    const lostMs = this.#lostTime.since(nowMs);
    const entry = this.#atWork();
    if (!entry) return;
    entry.begunAtMs = entry.begunAtMs === undefined ? nowMs : entry.begunAtMs + lostMs;
    if (nowMs - entry.begunAtMs <= entry.limitMs) return;
    const message = `preparing the frame had not finished after ${timeText(entry.limitMs)}; a longer --tile-timeout gives it more`;
    entry.verdict = { code: 'TILE_TIME_LIMIT', message };
    entry.abort.abort();
  }

  #atWork(): Entry | undefined {
    for (const entry of this.#entries.values())
      if (!entry.settled && !entry.verdict && isAtWork(entry.control)) return entry;
    return undefined;
  }

  #dropIdle(key: string, entry: Entry): void {
    // Nobody waits for it any more (the job is gone), or it failed: the next to ask shall try again.
    if (entry.settled?.kind !== 'ready') {
      if (!entry.settled) entry.abort.abort();
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      return;
    }
    let idle = [...this.#entries.values()].filter((other) => other.holders === 0).length;
    for (const [otherKey, other] of this.#entries) {
      if (idle <= IDLE_FRAMES_KEPT) return;
      if (other.holders > 0) continue;
      this.#entries.delete(otherKey);
      idle--;
    }
  }
}
