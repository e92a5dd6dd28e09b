/**
 * What studios do while everything breaks: two of them keep the farm busy with three kinds of job, cancel some, and now
 * and then retry what has failed. Their calls are made again, under the same key, until the coordinator answers.
 */
import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jobRequest } from '#cli/render/job-request.js';
import { parseRenderFlags } from '#cli/render/render-flags.js';
import { type ScenePackage, scenePackage } from '#cli/render/scene-package.js';
import { uploadPackage } from '#cli/render/upload-package.js';
import { newIdempotencyKey } from '#shared/domain/ids.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import type { SubmitJobResponse__Output } from '#shared/wire/generated/guian/v1/SubmitJobResponse.js';
import { AnalyticScene } from '#tests/support/analytic-scene.js';
import { glbOf } from '#tests/support/gltf-scenes.js';
import type { SeededRandom } from './seeded-random.js';

export const KINDS = ['north', 'south', 'gltf', 'flaky'] as const;
export type JobKind = (typeof KINDS)[number];

export interface SubmittedJob {
  readonly kind: JobKind;
  readonly jobId: string;
  /** Its scene on this machine, for the undisturbed render. */
  readonly sceneFile: string;
  tilesLeft: number;
  state: string;
  /** Somebody has asked for its cancel. */
  cancelAsked: boolean;
}

export interface WorkloadOptions {
  readonly client: CoordinatorClient;
  /** For scene files. */
  readonly folder: string;
  /** Where agents look whether the fault of a flaky scene is still there. */
  readonly tmpDir: string;
  readonly random: SeededRandom;
  /** Slot time of a tile of the studios' long jobs. */
  readonly tileMs: number;
  readonly signal: AbortSignal;
}

/** A job of a studio is followed by the next when it has no more tiles than this: about 4 s of all slots. */
const TILES_LEFT_MIN = 16;
const ASK_EVERY_MS = 500;
const TRY_AGAIN_MS = 300;
const CALL_MS = 3_000;
const ENDED = ['finished', 'finished_with_failures', 'cancelled'];

/** 4 frames of 6 tiles. */
const LONG = { renderer: 'synthetic', size: '48x32', tile: '16', frames: '1-4' };
const FLAGS: Readonly<Record<JobKind, Readonly<Record<string, string>>>> = {
  north: { ...LONG, studio: 'north', name: 'north', layers: 'beauty,depth', format: 'exr' },
  south: {
    ...LONG,
    studio: 'south',
    name: 'south',
    layers: 'beauty,albedo,normal',
    format: 'exr,png',
    seed: '9',
  },
  gltf: {
    ...{ studio: 'south', name: 'ball', size: '64x48', tile: '32', frames: '0-1', samples: '4', env: 'sky' },
    ...{ layers: 'beauty,albedo,normal,depth', format: 'exr' },
  },
  // Fails on its one try, is mended, and is retried.
  flaky: { ...LONG, frames: '1', studio: 'north', name: 'flaky', format: 'exr', maxAttempts: '1' },
};

export class Workload {
  readonly jobs: SubmittedJob[] = [];
  /** What a client was told that no client should be told. */
  readonly surprises: string[] = [];
  readonly #options: WorkloadOptions;
  readonly #busy = new Set<Promise<void>>();
  #flaky = 0;
  #isOver = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Submits the first jobs, and one after the other from then on. Resolves when they are taken. */
  async start(): Promise<void> {
    for (const kind of ['north', 'south', 'gltf'] as const) await this.#submit(kind, await this.#scene(kind));
    this.#inBackground(this.#keepBusy());
  }

  /** No further jobs. Resolves when all that there are have ended. @throws after `timeoutMs`, naming those that have not. */
  async finish(timeoutMs: number): Promise<void> {
    this.#isOver = true;
    const endAtMs = Date.now() + timeoutMs;
    await Promise.all(this.#busy);
    for (;;) {
      // All of them: an answer from before a retry may have come after it.
      for (const job of this.jobs) await this.#look(job);
      const open = this.jobs.filter((job) => !ENDED.includes(job.state));
      if (open.length === 0) return;
      if (Date.now() > endAtMs)
        throw new Error(
          `jobs that have not ended ${timeoutMs / 1000} s after the last fault: ${open.map(({ jobId, state, tilesLeft }) => `${jobId} (${state}, ${tilesLeft} tiles left)`).join(', ')}`,
        );
      await delay(ASK_EVERY_MS, undefined, { signal: this.#options.signal });
    }
  }

  /** Ids of those that have not ended, as far as known. */
  openJobs(): string[] {
    return this.jobs.filter((job) => !ENDED.includes(job.state)).map(({ jobId }) => jobId);
  }

  /** Cancels a job that runs. */
  cancelOne(): boolean {
    const running = this.jobs.filter(
      (job) => job.kind !== 'flaky' && !ENDED.includes(job.state) && !job.cancelAsked,
    );
    if (running.length === 0) return false;
    const job = this.#options.random.pick(running);
    job.cancelAsked = true;
    const { client } = this.#options;
    this.#inBackground(
      this.#untilAnswered(`cancel ${job.jobId}`, async () => {
        await call(
          client,
          (options, done) => client.jobs.cancel({ jobId: job.jobId }, options, done),
          CALL_MS,
        );
      }, ['JOB_ALREADY_FINISHED']),
    );
    return true;
  }

  /** A job that fails, whose fault is mended, and that is then retried. */
  retryOne(): boolean {
    if (this.#isOver) return false;
    this.#inBackground(this.#failMendRetry());
    return true;
  }

  async #failMendRetry(): Promise<void> {
    const { client, folder, tmpDir, signal } = this.#options;
    const fault = `guian-fault-chaos-${++this.#flaky}`;
    const faultFile = join(tmpDir, fault);
    const sceneFile = join(folder, `flaky-${this.#flaky}.json`);
    await writeFile(faultFile, '');
    await writeFile(sceneFile, JSON.stringify({ waitMs: 200, failTiles: ['0,0'], failWhileFile: fault }));
    const job = await this.#submit('flaky', sceneFile);
    while (!ENDED.includes(job.state)) {
      await delay(ASK_EVERY_MS, undefined, { signal });
      await this.#look(job);
    }
    if (job.state !== 'finished_with_failures')
      this.surprises.push(`${job.jobId} ended as ${job.state} though its scene was at fault`);
    await rm(faultFile);
    // A second call, after an answer that was lost, finds nothing that has failed, or a job that has finished.
    await this.#untilAnswered(`retry ${job.jobId}`, async () => {
      await call(
        client,
        (options, done) => client.jobs.retry({ jobId: job.jobId, frames: '' }, options, done),
        CALL_MS,
      );
    }, ['NOTHING_TO_RETRY', 'JOB_ALREADY_FINISHED']);
    job.state = 'running';
  }

  async #keepBusy(): Promise<void> {
    while (!this.#isOver) {
      await delay(ASK_EVERY_MS, undefined, { signal: this.#options.signal });
      await this.#lookAtJobs();
      for (const kind of ['north', 'south', 'gltf'] as const) {
        if (this.#isOver) return;
        const open = this.jobs.filter(
          (job) => job.kind === kind && !ENDED.includes(job.state) && !job.cancelAsked,
        );
        const left = open.reduce((sum, job) => sum + job.tilesLeft, 0);
        if (kind === 'gltf' ? left === 0 : left < TILES_LEFT_MIN)
          await this.#submit(kind, await this.#scene(kind));
      }
    }
  }

  async #submit(kind: JobKind, sceneFile: string): Promise<SubmittedJob> {
    const flags = parseRenderFlags(FLAGS[kind]);
    const source = await scenePackage(sceneFile, flags);
    const jobId = await this.#submitted(source, jobRequest(flags, source), newIdempotencyKey());
    const job: SubmittedJob = {
      ...{ kind, jobId, sceneFile, state: 'queued', cancelAsked: false },
      tilesLeft: kind === 'gltf' || kind === 'flaky' ? 1 : 24,
    };
    this.jobs.push(job);
    return job;
  }

  async #submitted(source: ScenePackage, spec: JobSpec, idempotencyKey: string): Promise<string> {
    const { client, signal } = this.#options;
    let jobId = '';
    await this.#untilAnswered('submit', async () => {
      await uploadPackage(client, source, signal);
      const answer = await call<SubmitJobResponse__Output>(
        client,
        (options, done) => client.jobs.submit({ idempotencyKey, spec }, options, done),
        CALL_MS,
      );
      jobId = answer.job!.jobId;
    });
    return jobId;
  }

  async #lookAtJobs(): Promise<void> {
    for (const job of this.jobs) if (!ENDED.includes(job.state)) await this.#look(job);
  }

  async #look(job: SubmittedJob): Promise<void> {
    const { client } = this.#options;
    try {
      const { state, progress } = await call<Job__Output>(
        client,
        (options, done) => client.jobs.get({ jobId: job.jobId }, options, done),
        CALL_MS,
      );
      job.state = state;
      job.tilesLeft = (progress?.tilesTotal ?? 0) - (progress?.tilesDone ?? 0) - (progress?.tilesFailed ?? 0);
    } catch (error) {
      if (!isAway(error)) this.surprises.push(`get ${job.jobId}: ${messageOf(error)}`);
    }
  }

  async #untilAnswered(what: string, act: () => Promise<void>, fine: readonly string[] = []): Promise<void> {
    for (;;) {
      try {
        return await act();
      } catch (error) {
        this.#options.signal.throwIfAborted();
        const code = error instanceof FarmError ? error.code : 'BUG';
        if (fine.includes(code)) return;
        if (!isAway(error) && code !== 'BLOBS_MISSING' && code !== 'UPLOAD_OFFSET_MISMATCH') {
          this.surprises.push(`${what}: ${messageOf(error)}`);
          return;
        }
      }
      await delay(TRY_AGAIN_MS, undefined, { signal: this.#options.signal });
    }
  }

  async #scene(kind: 'north' | 'south' | 'gltf'): Promise<string> {
    const file = join(this.#options.folder, kind === 'gltf' ? 'ball.glb' : `${kind}.json`);
    const known = this.jobs.some((job) => basename(job.sceneFile) === basename(file));
    if (!known)
      await writeFile(
        file,
        kind === 'gltf' ? await ballScene() : JSON.stringify({ waitMs: this.#options.tileMs }),
      );
    return file;
  }

  #inBackground(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted) this.surprises.push(`a client failed: ${messageOf(error)}`);
      })
      .finally(() => this.#busy.delete(tracked));
    this.#busy.add(tracked);
  }
}

/** The coordinator is away, or the server behind it. */
const isAway = (error: unknown): boolean =>
  error instanceof FarmError && ['COORDINATOR_UNAVAILABLE', 'BUS_UNAVAILABLE'].includes(error.code);

function ballScene(): Promise<Uint8Array> {
  const scene = new AnalyticScene();
  scene.ball(scene.material({ color: [0.8, 0.4, 0.2], roughness: 0.4 }));
  scene.square(scene.material({ color: [0.5, 0.6, 0.5] }), { at: [0, 0, -1.5], size: [3, 3, 1] });
  scene.perspective(0.8, { at: [0, 0, 4] });
  return glbOf(scene.document);
}
