/** What the coordinator removes from its store, and what stays, while jobs run and packages arrive. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, SCENE_DIGEST, spec } from '#tests/support/farm-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';

const OLD = new Date(Date.now() - 48 * 3_600_000);
const SWEEPS_OFTEN = { sweepTimes: { everyMs: 50, graceMs: 24 * 3_600_000 } };

it('what belongs to nobody goes; finished frames, live jobs, uploads and foreign files stay as they are', async () => {
  await using farm = await startCoordinatorFarm();
  const store = (...path: string[]) => join(farm.config.storeDir, ...path);
  const blobPath = (digest: string) => store('blobs', 'sha256', digest.slice(0, 2), digest);
  const put = async (path: string, bytes: string | Buffer = 'left behind') => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    await utimes(path, OLD, OLD);
    return path;
  };
  const studio = farmCalls(farm);
  await farm.start(SWEEPS_OFTEN);
  await studio.upload(SCENE);
  const finished = (await studio.submit(spec({ frames: '1' }))).job!.jobId;
  const first = await studio.agent(finished);
  await studio.state(finished, 'finished');
  await first.stop();
  const cancelled = (await studio.submit()).job!.jobId;
  const second = await studio.agent(cancelled, { tilesMax: 14 });
  await waitUntil(async () => (await studio.get(cancelled)).progress!.framesFinished === 1, {
    describe: 'one frame of the job',
  });
  await second.stop();
  const live = (await studio.submit()).job!.jobId;
  await farm.close();

  // A kill between the rename of a frame's files and its record; then the job was cancelled.
  const unrecorded = await put(store('jobs', cancelled, 'frames', 'gradient.0003.exr'));
  await farm.start(SWEEPS_OFTEN);
  await studio.cancel(cancelled);
  const bytes = randomBytes(1_000);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const kept = [
    await put(store('notes.txt')),
    await put(store('jobs', live, 'frames', 'gradient.0003.exr')),
    await put(store('jobs', finished, 'frames', 'mine.png')),
    await put(store('jobs', 'backup', 'frames.txt')),
    store('jobs', finished, 'frames', 'gradient.0001.exr'),
    store('jobs', cancelled, 'frames', 'gradient.0001.exr'),
    blobPath(SCENE_DIGEST),
    // Uploaded yesterday, asked for now: the submit follows.
    await put(blobPath(digest), bytes),
  ];
  await utimes(blobPath(SCENE_DIGEST), OLD, OLD);
  await studio.upload(bytes);
  const gone = [
    unrecorded,
    await put(blobPath('ab'.repeat(32))),
    await put(store('uploads', `${'cd'.repeat(32)}.part`)),
    await put(store('jobs', live, 'frames', '.gradient.0002.exr.0123456789ab.tmp')),
    await put(store('jobs', 'killed-ab2cd3', 'job.json.1.2.tmp')),
    store('jobs', 'killed-ab2cd3'),
  ];
  await utimes(store('jobs', 'killed-ab2cd3'), OLD, OLD);
  const left = (paths: readonly string[]) => paths.filter((path) => existsSync(path));
  await waitUntil(() => left(gone).length === 0, { describe: () => `no orphan; there are ${left(gone)}` });
  expect(left(kept)).toEqual(kept);
  const { job } = await studio.submit(
    spec({ manifest: { entry: 's.txt', files: [{ path: 's.txt', digest, sizeBytes: bytes.length }] } }),
  );
  const third = await studio.agent(job!.jobId);
  await studio.state(job!.jobId, 'finished');
  await third.stop();
  await rm(kept[1]!);
  const fourth = await studio.agent(live);
  await studio.state(live, 'finished');
  await fourth.stop();
  for (const { frame, files } of await studio.frames(live)) {
    const exr = await studio.download(live, frame, 'exr');
    expect(createHash('sha256').update(exr).digest('hex')).toBe(files[0]!.digest);
  }
});

it('no blob goes as long as a job record cannot be read, and the record itself stays', async () => {
  await using farm = await startCoordinatorFarm();
  const studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const { jobId } = (await studio.submit()).job!;
  await farm.close();
  const record = join(farm.config.storeDir, 'jobs', jobId, 'job.json');
  const text = await readFile(record, 'utf8');
  await writeFile(record, text.slice(0, 100));
  const blobs = join(farm.config.storeDir, 'blobs', 'sha256');
  await utimes(join(blobs, SCENE_DIGEST.slice(0, 2), SCENE_DIGEST), OLD, OLD);
  // Goes with the first sweep.
  const part = join(farm.config.storeDir, 'uploads', `${'cd'.repeat(32)}.part`);
  await writeFile(part, '');
  await utimes(part, OLD, OLD);
  await farm.start(SWEEPS_OFTEN);
  await waitUntil(async () => (await readdir(dirname(part))).length === 0, {
    describe: 'a sweep',
  });
  expect(await readdir(join(blobs, SCENE_DIGEST.slice(0, 2)))).toEqual([SCENE_DIGEST]);
  await farm.close();
  await writeFile(record, text);
  await farm.start();
  const agent = await studio.agent(jobId);
  await studio.state(jobId, 'finished');
  await agent.stop();
});
