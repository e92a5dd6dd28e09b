/**
 * Judges scenes in worker threads with a time and a memory limit, so that a hostile scene costs its own job and nothing
 * else: a thread that hangs or grows is ended, and the next scene gets a new one.
 */
import { Piscina } from 'piscina';
import { FarmError } from '#shared/errors.js';
import { THREAD_OPTIONS } from '#shared/thread-options.js';
import type { JudgeRequest, SceneJudgement } from './judge-scene.js';
import type { JudgeReply } from './judge-worker.js';

export interface SceneJudgeOptions {
  /** Scenes judged at once. */
  readonly threads?: number;
  readonly timeLimitMs?: number;
  /** JavaScript heap per thread; vertex data and files are bounded by LIMITS. */
  readonly heapMiBMax?: number;
}

/** A scene of 500,000 triangles takes about 2 s. */
const TIME_LIMIT_MS = 120_000;
const HEAP_MIB_MAX = 2048;
/** Jobs waiting to be judged; beyond it the coordinator says so instead of growing. */
const QUEUE_MAX = 256;

export class SceneJudge implements AsyncDisposable {
  readonly #pool: Piscina<JudgeRequest, JudgeReply>;
  readonly #timeLimitMs: number;

  constructor(options: SceneJudgeOptions = {}) {
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
    this.#pool = new Piscina({
      ...THREAD_OPTIONS,
      filename: new URL('./judge-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: options.threads ?? 1,
      maxQueue: QUEUE_MAX,
      // The default blocks the thread between tasks, and with it the decoders' own callbacks.
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: options.heapMiBMax ?? HEAP_MIB_MAX },
    });
  }

  /** @throws what `judgeScene` throws; SCENE_INVALID past the limits of time or memory; QUEUE_FULL. */
  async judge(request: JudgeRequest): Promise<SceneJudgement> {
    const limit = AbortSignal.timeout(this.#timeLimitMs);
    let reply: JudgeReply;
    try {
      reply = await this.#pool.run(request, { signal: limit });
    } catch (error) {
      throw this.#describe(error, request, limit.aborted);
    }
    if (reply.kind === 'refused') throw new FarmError(reply.code, reply.message, reply.details);
    return reply.judgement;
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #describe(error: unknown, { entry }: JudgeRequest, isLate: boolean): unknown {
    const code = (error as { code?: unknown } | null)?.code;
    const message = error instanceof Error ? error.message : '';
    if (isLate)
      return new FarmError(
        'SCENE_INVALID',
        `${entry} could not be checked within ${this.#timeLimitMs / 1000} s; simplify the scene`,
      );
    if (code === 'ERR_WORKER_OUT_OF_MEMORY' || error instanceof RangeError)
      return new FarmError(
        'SCENE_INVALID',
        `${entry} needs too much memory to be checked; simplify the scene`,
        {},
        { cause: error },
      );
    if (/Task queue is at limit|No task queue available/.test(message))
      return new FarmError(
        'QUEUE_FULL',
        `${QUEUE_MAX} scenes are waiting to be checked; try again in a moment`,
      );
    return error;
  }
}
