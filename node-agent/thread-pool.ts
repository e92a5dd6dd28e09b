/**
 * Threads of one kind: each works on one task at a time and is replaced when it ends. Piscina does not replace threads any
 * more once a single replacement failed to start (a moment without memory or file handles is enough); here it is made
 * to try again, and when none is left and none starts, that is said instead of letting tasks wait for ever.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { FarmError } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { THREAD_OPTIONS } from '#shared/thread-options.js';
import { heapLimits } from './slot-memory.js';
import { newThreadMeeting } from './thread-meeting.js';

const LOOK_EVERY_MS = 500;
/** Between two tries to start a missing thread; doubled from `LOOK_EVERY_MS` up to this. */
const RETRY_MS_MAX = 30_000;
/** With no thread left: 0.5 + 1 + 2 + 4 + 8 s, after which the node is better off restarted. */
const TRIES_MAX = 6;

export interface ThreadPoolOptions {
  /** e.g. `render` */
  readonly name: string;
  /** Entry of a thread; it exports a function `ping` besides its tasks. */
  readonly file: URL;
  readonly threads: number;
  /** Of one thread's slot. */
  readonly memoryBytes: number;
  readonly data?: unknown;
  /** False where a thread has work to do between its tasks. */
  readonly sleepsBetweenTasks: boolean;
  readonly logger: Logger;
  /** No thread is left and none starts. Without it the process ends of it. */
  readonly onBroken?: ((error: FarmError) => void) | undefined;
  /** How often it looks whether threads are missing. */
  readonly lookEveryMs?: number;
}

export class ThreadPool implements AsyncDisposable {
  readonly #pool: Piscina;
  readonly #options: ThreadPoolOptions;
  readonly #timer: NodeJS.Timeout;
  #tries = 0;
  #tryAtMs = 0;
  #isBroken = false;
  #lastError: unknown;

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#pool = new Piscina({
      ...THREAD_OPTIONS,
      filename: options.file.href,
      minThreads: options.threads,
      maxThreads: options.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      resourceLimits: heapLimits(options.memoryBytes),
      workerData: options.data,
      atomics: options.sleepsBetweenTasks ? 'sync' : 'disabled',
    });
    // A thread that ends under a task rejects that task; this event is for threads at rest and for those that do not start.
    this.#pool.on('error', (error: unknown) => {
      this.#lastError = error;
      options.logger.error({ err: error, threads: options.name }, 'thread ended');
    });
    this.#timer = setInterval(() => this.#tend(performance.now()), options.lookEveryMs ?? LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** @param signal ends the thread that has the task. @throws what the task throws, or how its thread ended. */
  async run(task: unknown, name: string, signal?: AbortSignal): Promise<unknown> {
    const reply: unknown = await this.#pool.run(task, signal ? { name, signal } : { name });
    this.#tries = 0;
    return reply;
  }

  /**
   * A task that is to be done once in every thread: `name` ends with `meet(its argument)`.
   * @param waitMs  threads that are busy for longer are left out.
   */
  async runInEach(name: string, waitMs: number): Promise<void> {
    const meeting = newThreadMeeting(this.threadCount, waitMs);
    const tasks = Array.from({ length: meeting.threads }, () => this.#pool.run(meeting, { name }));
    await Promise.race([Promise.allSettled(tasks), delay(waitMs, undefined, { ref: false })]);
  }

  /** Of the threads that are not ended. */
  get threadIds(): readonly number[] {
    return this.#pool.threads.map(({ threadId }) => threadId);
  }

  /** Threads at work, at rest and starting. */
  get threadCount(): number {
    return this.#pool.threads.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.destroy();
  }

  /** A task that finds all threads busy makes piscina start a missing one, so one is sent that asks for nothing. */
  #tend(nowMs: number): void {
    const { threads, logger, name, lookEveryMs = LOOK_EVERY_MS } = this.#options;
    const count = this.threadCount;
    if (count >= threads || this.#isBroken || nowMs < this.#tryAtMs) return;
    this.#tries++;
    this.#tryAtMs = nowMs + Math.min(RETRY_MS_MAX, lookEveryMs * 2 ** Math.min(10, this.#tries - 1));
    if (count === 0 && this.#tries > TRIES_MAX) {
      this.#break();
      return;
    }
    logger.warn({ threads: name, count, of: threads }, 'threads are missing, starting them again');
    this.run(undefined, 'ping').catch((error: unknown) => {
      this.#lastError = error;
    });
  }

  #break(): void {
    this.#isBroken = true;
    const error = new FarmError(
      'RENDER_FAILED',
      `no ${this.#options.name} thread starts on this node any more; start the agent again (memory and open files are what usually lacks)`,
      {},
      { cause: this.#lastError },
    );
    const { onBroken, logger } = this.#options;
    logger.error({ err: error }, 'no thread starts any more');
    if (!onBroken) throw error;
    onBroken(error);
  }
}
