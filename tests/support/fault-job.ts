/**
 * A job for fault tests and what must be true of it in the end, whatever was done to the farm: each frame there once and
 * bit-identical to an undisturbed render in one piece, each tile counted once, nothing counted against it, nothing left.
 */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { syntheticRenderer } from '#node-agent/renderers/synthetic/renderer.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { FarmError } from '#shared/errors.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import { spec } from './farm-calls.js';
import type { FaultFarm } from './fault-farm.js';
import { expectSamePlanes } from './same-planes.js';
import { waitUntil } from './wait-until.js';
import { renderWholeFrame } from './whole-frame.js';

export interface FaultJob {
  readonly frames: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly tilePx: number;
  /** Time of a tile. It passes without work: a machine of few cores has many slots in these tests. */
  readonly costMs: number;
  readonly layers: RenderSettings['layers'];
  /** What else its scene asks for (scene-file.ts of the synthetic renderer). */
  readonly scene?: object;
}

/** What a job is submitted to, and looked at in. */
export type JobFarm = Pick<FaultFarm, 'studio' | 'storeDir'>;

/** 15 tiles a frame, 100 ms each. */
export const SMALL_TILES: FaultJob = {
  ...{ frames: 2, widthPx: 160, heightPx: 96, tilePx: 32, costMs: 100 },
  layers: ['beauty'],
};
/** 4 tiles a frame, each a result of more than 1 MB: two parts. */
export const LARGE_TILES: FaultJob = {
  ...{ frames: 2, widthPx: 560, heightPx: 560, tilePx: 280, costMs: 150 },
  layers: ['beauty', 'albedo', 'normal'],
};

/** A wait for it ends in vain only where it never comes, however busy the machine is. */
const END_MS_MAX = 120_000;
const JOBS_MAX = 10;

/** @returns its id. */
export async function submitFaultJob({ studio }: JobFarm, job: FaultJob): Promise<string> {
  const { widthPx, heightPx, layers } = job;
  const scene = Buffer.from(JSON.stringify({ costMs: 0, waitMs: job.costMs, ...job.scene }));
  await studio.upload(scene);
  const digest = createHash('sha256').update(scene).digest('hex');
  const wanted = spec({
    name: 'shot',
    manifest: { entry: 's.json', files: [{ path: 's.json', digest, sizeBytes: scene.length }] },
    frames: `1-${job.frames}`,
    tile: String(job.tilePx),
    settings: { renderer: 'synthetic', widthPx, heightPx, layers, formats: ['exr'] },
  });
  return (await studio.submit(wanted)).job!.jobId;
}

/**
 * Submits a job, and another one where it ends too soon, until what is to happen while one runs has happened: an agent
 * that is slow to begin may get no tile of a short job.
 * @returns the job in which it happened.
 */
export async function submitUntil(
  farm: JobFarm & Pick<FaultFarm, 'bus'>,
  job: FaultJob,
  what: string,
  hasHappened: () => boolean,
): Promise<string> {
  const { connection, names } = farm.bus;
  for (let tries = 0; tries < JOBS_MAX; tries++) {
    const jobId = await submitFaultJob(farm, job);
    const how = await waitUntil(
      async () => {
        // Some of it is told by heartbeats, which by themselves come once a second.
        if (!connection.isClosed()) connection.publish(names.rollCall);
        if (hasHappened()) return 'in time';
        const isOver = ((await lookAt(farm, jobId))?.finishedAtMs ?? 0) > 0;
        return isOver && !hasHappened() ? 'not' : false;
      },
      { timeoutMs: END_MS_MAX, describe: what },
    );
    if (how === 'in time') return jobId;
  }
  throw new Error(`${JOBS_MAX} jobs have ended without ${what}`);
}

/** The job as the coordinator tells it; nothing while it is down or cut off. */
export async function lookAt({ studio }: JobFarm, jobId: string): Promise<Job__Output | undefined> {
  try {
    return await studio.get(jobId);
  } catch (error) {
    if (error instanceof FarmError && error.code === 'COORDINATOR_UNAVAILABLE') return undefined;
    throw error;
  }
}

export async function tilesDone(farm: JobFarm, jobId: string, atLeast: number): Promise<void> {
  let seen: Job__Output | undefined;
  await waitUntil(
    async () => {
      seen = await lookAt(farm, jobId);
      return (seen?.progress?.tilesDone ?? 0) >= atLeast;
    },
    { timeoutMs: END_MS_MAX, describe: () => `${atLeast} tiles done; the job is ${JSON.stringify(seen)}` },
  );
}

export async function jobEnds(farm: JobFarm, jobId: string): Promise<void> {
  let seen: Job__Output | undefined;
  await waitUntil(
    async () => {
      seen = (await lookAt(farm, jobId)) ?? seen;
      return (seen?.finishedAtMs ?? 0) > 0;
    },
    { timeoutMs: END_MS_MAX, describe: () => `the end of the job, which is ${JSON.stringify(seen)}` },
  );
}

/** @returns the job's events, in order. */
export async function expectWholeJob(
  farm: JobFarm,
  jobId: string,
  job: FaultJob,
): Promise<JobEvent__Output[]> {
  const { studio } = farm;
  await jobEnds(farm, jobId);
  // The end is recorded before it is told.
  const events = await studio.ended(jobId);
  const ended = await studio.get(jobId);
  const story = events.map(({ kind, message }) => `${kind}: ${message}`).join('\n');
  expect(ended.state, story).toBe('finished');
  const tilesTotal = job.frames * ended.tilesPerFrame;
  expect(ended.progress).toMatchObject({
    ...{ framesFinished: job.frames, framesFailed: 0, tilesTotal, tilesDone: tilesTotal, tilesFailed: 0 },
  });
  const kinds = (kind: string) => events.filter((event) => event.kind === kind).length;
  expect(kinds('frame_finished'), story).toBe(job.frames);
  expect(kinds('finished'), story).toBe(1);
  for (const kind of ['attempt_failed', 'tile_failed', 'frame_failed', 'result_rejected'])
    expect(kinds(kind), `${kind} in:\n${story}`).toBe(0);
  await expectWholeFrames(farm, jobId, job, ended.tilesPerFrame);
  await studio.cleared(jobId);
  return events;
}

async function expectWholeFrames(
  farm: JobFarm,
  jobId: string,
  job: FaultJob,
  tilesPerFrame: number,
): Promise<void> {
  const records = await farm.studio.frames(jobId);
  expect(records.map(({ frame }) => frame)).toEqual(
    Array.from({ length: job.frames }, (_, index) => index + 1),
  );
  const names: string[] = [];
  for (const { frame, state, tilesDone: done, files, failedTiles } of records) {
    expect({ frame, state, done, failedTiles }).toEqual({
      ...{ frame, state: 'finished', done: tilesPerFrame, failedTiles: [] },
    });
    const bytes = await farm.studio.download(jobId, frame, 'exr');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(files[0]!.digest);
    names.push(files[0]!.name, `${frame}.json`);
    const { planes } = decodeExr(bytes);
    for (const layer of await undisturbed(job, frame)) expectSamePlanes(layer, planes);
  }
  const kept = readdirSync(join(farm.storeDir, 'jobs', jobId, 'frames')).sort();
  expect(kept, 'files of frames, and no others').toEqual(names.sort());
}

const references = new Map<string, Promise<LayerSamples[]>>();

/** A frame of the job, rendered in one piece in this process. */
function undisturbed(job: FaultJob, frame: number): Promise<LayerSamples[]> {
  const key = JSON.stringify([job, frame]);
  let reference = references.get(key);
  if (!reference) {
    const { widthPx, heightPx, layers } = job;
    const settings = renderSettingsSchema.parse({ renderer: 'synthetic', widthPx, heightPx, layers });
    const scene = { folder: '', entry: 'pattern' };
    reference = renderWholeFrame(syntheticRenderer, scene, settings, frame).then(({ layers: all }) => all);
    references.set(key, reference);
  }
  return reference;
}
