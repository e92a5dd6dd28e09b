/** The audit itself: what it must find, and that it finds nothing where nothing is wrong. */
import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { syntheticTile } from '#node-agent/renderers/synthetic/renderer.js';
import type { TileMessage } from '#shared/bus/messages.js';
import { regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { digestOf, type FakeAgentOptions, type Reply } from '#tests/support/fake-agent.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { auditFiles, auditStore } from './audit.js';
import type { SubmittedJob } from './workload.js';

let farm: CoordinatorFarm;
let good: SubmittedJob;
let other: SubmittedJob;
beforeAll(async () => {
  farm = await startCoordinatorFarm();
  await farm.start();
  await farmCalls(farm).upload(SCENE);
  good = await rendered({ replies: (tile, reply) => [withPattern(tile, reply)] });
  // Sound files and records, with a gradient in them instead of the renderer's pattern.
  other = await rendered({});
  await farm.close();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

async function rendered(options: FakeAgentOptions): Promise<SubmittedJob> {
  const studio = farmCalls(farm);
  const { job } = await studio.submit(spec({ frames: '1-2' }));
  const { jobId } = job!;
  const agent = await studio.agent(jobId, options);
  await studio.state(jobId, 'finished');
  await agent.stop();
  await studio.cleared(jobId);
  return { kind: 'north', jobId, sceneFile: '', tilesLeft: 0, state: 'finished', cancelAsked: false };
}

function withPattern({ frame, region }: TileMessage, { meta }: Reply): Reply {
  const layers = syntheticTile({ layers: ['beauty'], seed: 0 }, frame, region);
  const bytes = encodeTile(layers, regionWidthPx(region), regionHeightPx(region));
  return {
    bytes,
    meta: { ...meta, outcome: { kind: 'rendered', digest: digestOf(bytes), sizeBytes: bytes.byteLength } },
  };
}

const store = () => farm.config.storeDir;
const frames = (job: SubmittedJob) => join(store(), 'jobs', job.jobId, 'frames');
const audit = (jobs = [good, other]) => auditStore(store(), jobs);
const exrOf = async (job: SubmittedJob) =>
  join(frames(job), (await readdir(frames(job))).find((name) => name.endsWith('.exr'))!);

it('other pixels than the renderer makes are found, and nothing else', async () => {
  const found = await audit();
  expect(found.length).toBeGreaterThan(0);
  for (const line of found)
    expect(line).toMatch(new RegExp(`${other.jobId}.* frame [12]: channel [RGB] .*other pixels`));
});

it('jobs that are lost or that nobody submitted are found', async () => {
  const lost = { ...good, jobId: `${good.jobId}x` };
  expect(await audit([lost])).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/is in the store, and nobody submitted it/),
      expect.stringMatching(/is lost/),
    ]),
  );
});

it('a damaged file, a missing record and a stray file are found', async () => {
  const file = await exrOf(good);
  await copyFile(file, `${file}.aside`);
  expect(await audit([good, other])).toContainEqual(
    expect.stringMatching(/aside is in its frames and in no/),
  );
  await rm(`${file}.aside`);

  const bytes = await readFile(file);
  await appendFile(file, 'x');
  expect(await audit()).toContainEqual(expect.stringMatching(/is not what its record says/));
  await writeFile(file, bytes);

  const record = join(frames(good), '1.json');
  await rename(record, join(store(), 'aside'));
  expect(await audit()).toContainEqual(expect.stringMatching(/it finished without frames 1/));
  await rename(join(store(), 'aside'), record);
});

it('half-written files and what dead agents left are found', async () => {
  const [cacheDir, tmpDir] = [join(store(), '..', 'cache'), join(store(), '..', 'tmp')];
  for (const folder of [join(cacheDir, 'n', 'scenes', '1-x'), join(cacheDir, 'n', 'blobs'), tmpDir])
    await mkdir(folder, { recursive: true });
  const folders = { storeDir: store(), cacheDir, tmpDir };
  expect(await auditFiles(folders)).toEqual([]);
  const left = [
    join(frames(good), '.x.exr.0123456789ab.tmp'),
    join(store(), 'uploads', 'abc.part'),
    join(cacheDir, 'n', 'blobs', 'abc.part'),
    join(cacheDir, 'n', 'scenes', '1-x', 'scene.glb'),
    join(tmpDir, 'anything'),
  ];
  for (const file of left) await writeFile(file, '');
  expect(await auditFiles(folders)).toHaveLength(left.length);
});
