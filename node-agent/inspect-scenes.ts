/**
 * Reads scenes for clients that do not have the scene's renderer: what is in it, and which files it needs. One request on
 * core NATS, one answer. Each is a program beside those of the slots, so few run at a time, and what goes wrong with one
 * is its answer.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Msg } from '@nats-io/transport-node';
import pLimit from 'p-limit';
import type { Bus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  encodeMessage,
  type InspectAnswer,
  type InspectRequest,
  inspectRequestSchema,
} from '#shared/bus/messages.js';
import { formatDurationMs } from '#shared/domain/duration.js';
import type { NodeId } from '#shared/domain/ids.js';
import type { SceneInspection } from '#shared/domain/scene-inspection.js';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import type { Installation, Programs, Sandbox } from './renderers/program/program.js';
import { findInstallation } from './renderers/registry.js';
import type { LocalScene } from './renderers/renderer.js';
import type { SceneCache } from './scene-cache.js';

/** Each takes a core and the memory of a scene, which no slot has been promised. */
const AT_ONCE_MAX = 2;
const WAITING_MAX = 16;
/** For the package to come and the program to read it: less than the 3 min that the coordinator waits for an answer. */
const INSPECT_MS_MAX = 170_000;
/** Below the 1 MiB of NATS' default, with room for headers. */
const ANSWER_BYTES_MAX = 1_000_000;
const MESSAGE_CHARS_MAX = 4_096;

interface InspectOptions {
  readonly sandbox: Sandbox;
  readonly scratchFolder: string;
  readonly allowScripts: boolean;
  readonly sourceRoot?: string;
  readonly timeLimitMs: number;
}

export interface InspectScenesOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly cache: Pick<SceneCache, 'acquire'>;
  readonly programs: () => Promise<Programs>;
  /** Of these alone. */
  readonly scratchFolder: string;
  readonly logger: Logger;
  /** Default: `inspectScene` below. */
  readonly inspect?: typeof inspectScene;
}

export class InspectScenes implements AsyncDisposable {
  readonly #options: InspectScenesOptions;
  readonly #limit = pLimit(AT_ONCE_MAX);
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Answered since the start. */
  answered = 0;
  readonly #subscription: { unsubscribe(): void };

  /** Listens at once. */
  constructor(options: InspectScenesOptions) {
    this.#options = options;
    const { connection, names } = options.bus;
    this.#subscription = connection.subscribe(names.inspect(options.nodeId), {
      callback: (error, message) => {
        if (error) return;
        const running = this.#answer(message).finally(() => this.#running.delete(running));
        this.#running.add(running);
      },
    });
  }

  /** None is at work or waits. */
  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Takes no more; those at work are answered as failed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription.unsubscribe();
    this.#closing.abort();
    await Promise.all(this.#running);
  }

  async #answer(message: Msg): Promise<void> {
    const startMs = performance.now();
    let answer: InspectAnswer;
    try {
      answer = fitting({ kind: 'inspected', inspection: await this.#inspect(message.data) });
    } catch (error) {
      answer = failed(error);
    }
    this.answered++;
    const { logger } = this.#options;
    try {
      message.respond(encodeMessage(answer));
    } catch (err) {
      // The connection is closed for good: whoever asked hears from nobody any more.
      logger.warn({ err }, 'inspection not answered');
    }
    const outcome = answer.kind === 'failed' ? { code: answer.code, err: answer.message } : {};
    logger.info({ durationMs: Math.round(performance.now() - startMs), ...outcome }, 'scene inspected');
  }

  async #inspect(data: Uint8Array): Promise<SceneInspection> {
    const request = decodeMessage(inspectRequestSchema, data, 'request to inspect a scene');
    if (this.#limit.pendingCount >= WAITING_MAX)
      throw new FarmError('QUEUE_FULL', `this node has ${WAITING_MAX} scenes waiting to be looked into`);
    return this.#limit(() => this.#inspectNow(request));
  }

  async #inspectNow(request: InspectRequest): Promise<SceneInspection> {
    const { cache, programs, inspect = inspectScene } = this.#options;
    const endAtMs = performance.now() + INSPECT_MS_MAX;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(INSPECT_MS_MAX)]);
    const known = await beforeAbort(programs(), signal);
    // Before the package is brought, which may be gigabytes.
    const installation = findInstallation(request.renderer, request.rendererVersion, known);
    const bringing = cache.acquire(request.manifest);
    try {
      const { scene } = await beforeAbort(bringing, signal);
      const scratchFolder = await mkdtemp(join(this.#options.scratchFolder, 'inspect-'));
      try {
        const timeLimitMs = Math.max(1, Math.round(endAtMs - performance.now()));
        const options = { sandbox: known.sandbox, scratchFolder, timeLimitMs, ...wanted(request) };
        return await beforeAbort(inspect(installation, scene, options), signal);
      } finally {
        await rm(scratchFolder, { recursive: true, force: true, maxRetries: 3 });
      }
    } finally {
      bringing.then(
        (held) => held.release(),
        // Told above, unless time was over first.
        () => undefined,
      );
    }
  }
}

const wanted = ({ allowScripts, sourceRoot }: InspectRequest) => ({
  allowScripts,
  ...(sourceRoot !== undefined && { sourceRoot }),
});

/** The scene as its own renderer reads it. */
async function inspectScene(
  installation: Installation,
  scene: LocalScene,
  options: InspectOptions,
): Promise<SceneInspection> {
  switch (installation.name) {
    case 'blender':
      return (await import('./renderers/blender/inspect.js')).inspectBlender(installation, scene, options);
    case 'povray':
      return (await import('./renderers/povray/inspect.js')).inspectPovray(installation, scene, options);
    default:
      throw new FarmError('RENDERER_MISSING', `nobody here looks into scenes of ${installation.name}`);
  }
}

/** @throws RENDER_FAILED, NODE_LOST when the signal is first; the work itself then ends with its own time limit, or with the agent. */
function beforeAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function abortError({ reason }: AbortSignal): FarmError {
  if ((reason as Error).name !== 'TimeoutError')
    return new FarmError('NODE_LOST', 'the node left while it looked into the scene; ask again');
  const limit = formatDurationMs(INSPECT_MS_MAX);
  return new FarmError('RENDER_FAILED', `looking into the scene had not finished after ${limit}`);
}

function failed(error: unknown): InspectAnswer {
  const code = error instanceof FarmError ? error.code : 'RENDER_FAILED';
  return { kind: 'failed', code, message: messageOf(error).slice(0, MESSAGE_CHARS_MAX) };
}

/** @throws SCENE_UNSUPPORTED when it does not fit into a message. */
function fitting(answer: Extract<InspectAnswer, { kind: 'inspected' }>): InspectAnswer {
  const sizeBytes = encodeMessage(answer).length;
  if (sizeBytes > ANSWER_BYTES_MAX) throw tooLarge(answer.inspection, sizeBytes);
  return answer;
}

const tooLarge = ({ files }: SceneInspection, bytes: number): FarmError =>
  new FarmError(
    'SCENE_UNSUPPORTED',
    `what the scene needs (${files.length} files, ${bytes} bytes as JSON) is more than a node can tell (${ANSWER_BYTES_MAX} bytes); run guian where the scene's renderer is installed`,
  );
