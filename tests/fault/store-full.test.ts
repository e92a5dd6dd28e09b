/** The coordinator's store on a disk that runs full, and has room again. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { call } from '#shared/wire/coordinator-client.js';
import type { MissingBlobsResponse__Output } from '#shared/wire/generated/guian/v1/MissingBlobsResponse.js';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE } from '#tests/support/farm-calls.js';
import { mountTinyDisk } from '#tests/support/tiny-disk.js';
import { waitUntil } from '#tests/support/wait-until.js';

const KIB = 1024;

it('a frame that finds the disk full stays open and says why; with room again the job finishes, nothing lost', async () => {
  using disk = mountTinyDisk(4 * KIB * KIB);
  if (!disk) return;
  await using farm = await startCoordinatorFarm({ storeDir: join(disk.path, 'store') });
  const studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const { job } = await studio.submit();
  const { jobId } = job!;
  disk.fill(0);
  const agent = await studio.agent(jobId);
  await waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone === 36, {
    describe: 'all tiles rendered',
  });
  const events: string[] = [];
  const stream = farm.client.jobs.watch({ jobId, afterSequence: 0 });
  stream.on('error', () => undefined);
  stream.on('data', (event: { kind: string; message: string }) => {
    if (event.kind === 'paused') events.push(event.message);
  });
  await waitUntil(() => events.length > 0, { describe: 'a pause' });
  stream.cancel();
  expect(events[0]).toMatch(/^frame \d waits for the disk: no space left to write .*; free some/);
  // One of them at a time is shown with the job, as long as it waits.
  const shown = await studio.get(jobId);
  expect(shown).toMatchObject({ state: 'running', progress: { framesFailed: 0 } });
  expect(shown.warnings[0]).toMatch(/^frame \d waits for the disk: /);
  const frames = await studio.frames(jobId);
  expect(frames.every(({ state }) => state === 'rendering')).toBe(true);

  // Nothing else is taken on meanwhile, and each refusal says why.
  await expect(studio.submit()).rejects.toMatchObject({
    code: 'DISK_FULL',
    message: expect.stringMatching(/^no space left to write .*; free some space$/),
  });
  expect(await readdir(join(disk.path, 'store', 'jobs'))).toEqual([jobId]);

  disk.empty();
  const told = (await studio.ended(jobId)).filter(({ kind }) => kind === 'paused' || kind === 'resumed');
  expect(told.length).toBeGreaterThan(1);
  // Frames take turns: each pause of the job has its end, and nothing is left of them.
  expect(told.map(({ kind }) => kind)).toEqual(
    told.map((_, index) => (index % 2 === 0 ? 'paused' : 'resumed')),
  );
  expect(told.at(-1)!.message).toMatch(/^frame \d is written; it waited [\d.]+ s for the disk$/);
  expect((await studio.get(jobId)).warnings).toEqual([]);
  await agent.stop();
  expect(agent.tiles.every((tile) => tile.attempt === 1)).toBe(true);
  for (const { frame, files } of await studio.frames(jobId)) {
    const bytes = await studio.download(jobId, frame, 'exr');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(files[0]!.digest);
  }
  expect((await readdir(join(disk.path, 'store', 'jobs', jobId, 'frames'))).sort()).toEqual(
    [1, 2, 3].flatMap((frame) => [`${frame}.json`, `gradient.000${frame}.exr`]).sort(),
  );
});

it('an upload that finds the disk full is refused with the way out, and goes on where it was', async () => {
  using disk = mountTinyDisk(4 * KIB * KIB);
  if (!disk) return;
  await using farm = await startCoordinatorFarm({ storeDir: join(disk.path, 'store') });
  const studio = farmCalls(farm);
  await farm.start();
  const bytes = randomBytes(500 * KIB);
  const digest = createHash('sha256').update(bytes).digest('hex');
  disk.fill(200 * KIB);
  const refused = await studio.upload(bytes).then(
    () => undefined,
    (error: { code: number; details: string }) => error,
  );
  expect(refused).toMatchObject({
    code: 8,
    details: expect.stringMatching(/^no space left to write .*; free some space$/),
  });
  const { missing } = await call<MissingBlobsResponse__Output>(farm.client, (options, done) =>
    farm.client.packages.missingBlobs(
      { blobs: [{ digest, sizeBytes: bytes.length }] },
      options,
      done as never,
    ),
  );
  const held = missing[0]!.offsetBytes;
  expect(held).toBeGreaterThan(100 * KIB);
  disk.empty();
  await studio.upload(bytes, { offsetBytes: held });
  expect(await readdir(join(disk.path, 'store', 'uploads'))).toEqual([]);
});

it('a frame whose record cannot be written keeps its own job waiting and no other; a job without a folder may be cancelled', async () => {
  await using farm = await startCoordinatorFarm();
  const studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const folder = (jobId: string) => join(farm.config.storeDir, 'jobs', jobId);
  const submit = async () => (await studio.submit()).job!.jobId;
  const [hurt, gone, sound] = [await submit(), await submit(), await submit()];
  for (const frame of [1, 2, 3]) await mkdir(join(folder(hurt), 'frames', `${frame}.json`));
  await rm(folder(gone), { recursive: true });
  const agents = [await studio.agent(hurt), await studio.agent(gone)];
  const waits = async () => (await studio.get(hurt)).warnings[0];
  await waitUntil(waits, { describe: 'a pause' });
  expect(await waits()).toMatch(/^record of frame \d waits for the disk: EISDIR/);
  agents.push(await studio.agent(sound));
  await studio.ended(sound);
  await studio.cancel(gone);
  expect((await studio.get(gone)).state).toBe('cancelled');

  for (const frame of [1, 2, 3]) await rm(join(folder(hurt), 'frames', `${frame}.json`), { recursive: true });
  await studio.ended(hurt);
  expect((await studio.frames(hurt)).map(({ state }) => state)).toEqual(['finished', 'finished', 'finished']);
  for (const agent of agents) await agent.stop();
});
