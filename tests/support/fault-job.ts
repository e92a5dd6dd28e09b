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
import { exrChannelName, LAYERS } from '#shared/domain/layers.js';
import { FarmError } from '#shared/errors.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import type { Job__Output } from '#shared/wire/generated/guian/v1/Job.js';
import type { JobEvent__Output } from '#shared/wire/generated/guian/v1/JobEvent.js';
import { spec } from './farm-calls.js';
import type { FaultFarm } from './fault-farm.js';
import { waitUntil } from './wait-until.js';
import { renderWholeFrame } from './whole-frame.js';

export interface FaultJob {
  readonly frames: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly tilePx: number;
  readonly costMs: number;
  readonly layers: RenderSettings['layers'];
}

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

/** Long enough for a heartbeat to tell of a tile that renders. */
export const LONG_TILES: FaultJob = { ...LARGE_TILES, costMs: 700 };

const END_MS_MAX = 60_000;

/** @returns its id. */
export async function submitFaultJob(farm: FaultFarm, job: FaultJob): Promise<string> {
  const { widthPx, heightPx, layers } = job;
  const wanted = spec({
    name: 'shot',
    frames: `1-${job.frames}`,
    tile: String(job.tilePx),
    settings: {
      ...{ renderer: 'synthetic', widthPx, heightPx, layers, formats: ['exr'] },
      synthetic: { costMsPerTile: job.costMs },
    },
  });
  return (await farm.studio.submit(wanted)).job!.jobId;
}

/** The job as the coordinator tells it; nothing while it is down or cut off. */
export async function lookAt(farm: FaultFarm, jobId: string): Promise<Job__Output | undefined> {
  try {
    return await farm.studio.get(jobId);
  } catch (error) {
    if (error instanceof FarmError && error.code === 'COORDINATOR_UNAVAILABLE') return undefined;
    throw error;
  }
}

export async function tilesDone(farm: FaultFarm, jobId: string, atLeast: number): Promise<void> {
  let seen: Job__Output | undefined;
  await waitUntil(
    async () => {
      seen = await lookAt(farm, jobId);
      return (seen?.progress?.tilesDone ?? 0) >= atLeast;
    },
    { timeoutMs: END_MS_MAX, describe: () => `${atLeast} tiles done; the job is ${JSON.stringify(seen)}` },
  );
}

export async function jobEnds(farm: FaultFarm, jobId: string, timeoutMs = END_MS_MAX): Promise<void> {
  let seen: Job__Output | undefined;
  await waitUntil(
    async () => {
      seen = (await lookAt(farm, jobId)) ?? seen;
      return (seen?.finishedAtMs ?? 0) > 0;
    },
    { timeoutMs, describe: () => `the end of the job, which is ${JSON.stringify(seen)}` },
  );
}

/** @returns the job's events, in order. */
export async function expectWholeJob(
  farm: FaultFarm,
  jobId: string,
  job: FaultJob,
): Promise<JobEvent__Output[]> {
  const { studio } = farm;
  await jobEnds(farm, jobId);
  const ended = await studio.get(jobId);
  // The end is recorded before it is told.
  let events: JobEvent__Output[] = [];
  await waitUntil(
    async () => {
      events = await studio.watch(jobId, 0, true);
      return events.some(({ kind }) => kind === 'finished');
    },
    { timeoutMs: 15_000, describe: () => `the event "finished" after ${events.length} others` },
  );
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
  farm: FaultFarm,
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

/** As bit patterns. */
function expectSamePlanes(layer: LayerSamples, planes: ReturnType<typeof decodeExr>['planes']): void {
  const { channels } = LAYERS[layer.name];
  for (const [at, channel] of channels.entries()) {
    const name = exrChannelName(LAYERS[layer.name], channel);
    const plane = planes.find((candidate) => candidate.name === name);
    expect(plane, `channel ${name}`).toBeDefined();
    const wanted = layer.data.filter((_, index) => index % channels.length === at);
    expect(Buffer.compare(asBytes(plane!.data), asBytes(wanted)), `bits of channel ${name}`).toBe(0);
  }
}

function asBytes(data: Uint16Array | Float32Array | Uint32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
