/**
 * The frames that are prepared on this node: each once, shared by whoever asks while it is under way, kept while tiles of
 * it are at hand, and a few more for the tiles that come next.
 */
import { Piscina } from 'piscina';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { THREAD_OPTIONS } from '#shared/thread-options.js';
import type { FrameContext, PrepareAnswer, PrepareTask } from './render-task.js';
import type { RendererDescription } from './renderers/registry.js';

/** Frames kept that no tile at hand needs: a prepared film scene may be gigabytes. */
const IDLE_FRAMES_KEPT = 2;
/** The largest scenes take minutes to load; beyond this the thread hangs. */
const PREPARE_MS_MAX = 30 * 60_000;

export type FrameOutcome =
  | { readonly kind: 'ready'; readonly key: string; readonly context: FrameContext }
  | Extract<PrepareAnswer, { kind: 'failed' }>;

/** Somebody's hold on a frame; `release` it when no more of its tiles are at hand. */
export interface FrameHold {
  readonly outcome: Promise<FrameOutcome>;
  /** The outcome once it is known, so that a tile of a prepared frame need not wait for a turn of the event loop. */
  settled(): FrameOutcome | undefined;
  release(): void;
}

interface Entry {
  holders: number;
  readonly abort: AbortController;
  readonly outcome: Promise<FrameOutcome>;
  settled: FrameOutcome | undefined;
}

export class PreparedFrames implements AsyncDisposable {
  readonly #pool: Piscina;
  /** Least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(logger: Logger) {
    this.#pool = new Piscina({
      ...THREAD_OPTIONS,
      filename: new URL('./prepare-worker.js', import.meta.url).href,
      name: 'prepare',
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // Loading is asynchronous work (files, sharp), which a thread that blocks between tasks would hold up.
      atomics: 'disabled',
    });
    this.#pool.on('error', (error: unknown) => logger.error({ err: error }, 'preparation thread ended'));
  }

  /** The renderers that load on this node. */
  describe(): Promise<{ renderers: RendererDescription[]; broken: { name: string; reason: string }[] }> {
    return this.#pool.run(undefined, { name: 'describe' });
  }

  /** @param key names the job and the frame; equal keys mean equal tasks. */
  hold(key: string, task: PrepareTask): FrameHold {
    const entry = this.#entries.get(key) ?? this.#start(key, task);
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.destroy();
  }

  #start(key: string, task: PrepareTask): Entry {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), PREPARE_MS_MAX);
    timer.unref();
    const running = this.#pool.run(task, { name: 'prepare', signal: abort.signal }) as Promise<PrepareAnswer>;
    const outcome = running
      .then(
        (answer): FrameOutcome =>
          answer.kind === 'failed'
            ? answer
            : { kind: 'ready', key, context: { ...task, prepared: answer.prepared } },
        (error: unknown): FrameOutcome => ({
          kind: 'failed',
          code: 'RENDER_FAILED',
          message: `preparing frame ${task.frame} ended its thread: ${messageOf(error)}`,
          logTail: '',
          permanent: false,
        }),
      )
      .then((settled) => {
        clearTimeout(timer);
        entry.settled = settled;
        return settled;
      });
    const entry: Entry = { holders: 0, abort, outcome, settled: undefined };
    this.#entries.set(key, entry);
    return entry;
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
