/**
 * One Blender with one scene file open: a child process that answers requests one at a time. Whatever ends it (a crash,
 * the kernel, its memory) fails the request that it was working on with a reason; after that the process is of no use.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { invariant } from '#shared/invariant.js';
import type { ProgramExit, ProgramUse, RunningProgram } from '../program/program.js';
import { makeScratchFolder, readScratchFile } from '../program/scratch.js';
import { startProgram } from '../program/start-program.js';
import { type BlenderStart, blenderRequest, PICTURE_BYTES_MAX, readableLog } from './blender-command.js';
import {
  type TileMessage,
  type WorkerMessage,
  type WorkerRequest,
  workerMessageSchema,
} from './worker-messages.js';

/** Blender is ready within 1.5 s, and within 7 s on a busy machine with a cold disk (measured). */
const START_MS_MAX = 5 * 60_000;
/** In its scratch folder. */
const PICTURE = 'tile.exr';

interface Question {
  readonly id: number;
  readonly resolve: (answer: WorkerMessage) => void;
  readonly fail: (error: FarmError) => void;
  /** The process is gone. */
  readonly end: () => void;
}

export class BlenderProcess {
  readonly #program: RunningProgram;
  readonly #scratchFolder: string;
  readonly #ended: Promise<void>;
  readonly #memoryBytesMax: number;
  readonly #ready: Promise<void>;
  #isReady: (() => void) | undefined;
  #question: Question | undefined;
  #questions = 0;
  #exit: ProgramExit | undefined;

  static async start(
    start: Omit<BlenderStart, 'script' | 'scratchFolder'>,
    scratchParent: string,
  ): Promise<BlenderProcess> {
    return new BlenderProcess(start, await makeScratchFolder(scratchParent, 'blender'));
  }

  private constructor(start: Omit<BlenderStart, 'script' | 'scratchFolder'>, scratchFolder: string) {
    this.#scratchFolder = scratchFolder;
    this.#memoryBytesMax = start.memoryBytesMax;
    this.#ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#program = startProgram({
      ...blenderRequest({ ...start, script: 'worker.py', scratchFolder }),
      onMessage: (message) => this.#onMessage(message),
    });
    this.#ended = this.#program.exited.then((exit) => this.#onExit(exit));
  }

  get pid(): number {
    return this.#program.pid;
  }

  get isGone(): boolean {
    return this.#exit !== undefined;
  }

  use(): ProgramUse {
    return this.#program.use();
  }

  /** What Blender said last, without its progress. */
  log(): string {
    return readableLog(this.#program.logTail());
  }

  /** @throws RENDER_FAILED when it is not ready in time or ends before. */
  async ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new FarmError(
            'RENDER_FAILED',
            `Blender was not ready ${START_MS_MAX / 60_000} minutes after its start`,
          ),
        );
        this.kill();
      }, START_MS_MAX);
    });
    const gone = this.#ended.then(() => {
      throw this.#endError('it started');
    });
    try {
      await Promise.race([this.#ready, late, gone]);
    } finally {
      clearTimeout(timer);
      gone.catch(() => undefined);
    }
  }

  /** Opens its scene file. @throws SCENE_…, RENDER_FAILED, TILE_MEMORY_LIMIT */
  async open(request: Extract<WorkerRequest, { kind: 'open' }>): Promise<void> {
    await this.#ask(request, 'it opened the scene');
  }

  /** @returns the file that it wrote, which is gone from the disk. @throws SCENE_…, RENDER_FAILED, TILE_MEMORY_LIMIT */
  async render(tile: Omit<TileMessage, 'out' | 'kind'>): Promise<Buffer> {
    const out = join(this.#scratchFolder, PICTURE);
    try {
      await this.#ask({ kind: 'tile', ...tile, out }, 'it rendered a tile');
      return await readScratchFile(this.#scratchFolder, PICTURE, PICTURE_BYTES_MAX);
    } finally {
      await rm(out, { force: true });
    }
  }

  kill(): void {
    this.#program.kill();
  }

  /** Ends it and what it left on the disk. */
  async close(): Promise<void> {
    this.kill();
    await this.#ended;
    await rm(this.#scratchFolder, { recursive: true, force: true, maxRetries: 3 });
  }

  #ask(request: WorkerRequest, during: string): Promise<WorkerMessage> {
    if (this.isGone) return Promise.reject(this.#endError(during));
    invariant(!this.#question, 'a slot asks its Blender one thing at a time');
    const id = ++this.#questions;
    return new Promise<WorkerMessage>((resolve, reject) => {
      this.#question = { id, resolve, fail: reject, end: () => reject(this.#endError(during)) };
      this.#program.send({ ...request, id });
    });
  }

  #onMessage(message: unknown): void {
    const answer = workerMessageSchema.parse(message);
    if (answer.kind === 'ready') {
      this.#isReady?.();
      return;
    }
    const question = this.#question;
    if (question?.id !== answer.id) return;
    this.#question = undefined;
    if (answer.kind === 'failed') question.fail(new FarmError(answer.code, answer.message));
    else question.resolve(answer);
  }

  #onExit(exit: ProgramExit): void {
    this.#exit = exit;
    this.#question?.end();
    this.#question = undefined;
  }

  #endError(during: string): FarmError {
    const { code, signal, excessBytes, reason } = this.#exit ?? { code: null, signal: null };
    if (excessBytes !== undefined)
      return new FarmError(
        'TILE_MEMORY_LIMIT',
        `Blender took ${mib(excessBytes)} MiB while ${during}, and its slot has ${mib(this.#memoryBytesMax)}: give slots more memory, or make the scene smaller`,
      );
    const how = reason
      ? `failed (${reason})`
      : signal
        ? `ended by ${signal}`
        : `ended with exit code ${code}`;
    const last = this.log().split('\n').at(-1)?.trim().slice(0, 300);
    return new FarmError(
      'RENDER_FAILED',
      `Blender ${how} while ${during}${last ? `; it said last: ${last}` : ''}`,
    );
  }
}

const mib = (bytes: number) => Math.ceil(bytes / 2 ** 20);
