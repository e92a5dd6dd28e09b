/** Files of a job's folder are damaged between two starts: the job goes on, no other is touched, and callers are told why. */
import { readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { failedReply } from '#tests/support/fake-agent.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';

const TORN = '{"state":"fin';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let lost = '';
/** Has nothing damaged: three frames, all finished. */
let other: string;
beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  other = await rendered('1-3');
});
afterEach(async () => {
  expect(await studio.get(other)).toMatchObject({ state: 'finished', progress: { framesFinished: 3 } });
  expect((await states(other)).join()).toBe('finished,finished,finished');
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const inJob = (jobId: string, ...path: string[]) => join(farm.config.storeDir, 'jobs', jobId, ...path);
const states = async (jobId: string) => (await studio.frames(jobId)).map(({ state }) => state);

/** Ends a job; the frame named fails with one of its tiles. */
async function rendered(frames: string, failing?: number): Promise<string> {
  const { jobId } = (await studio.submit(spec({ frames, maxAttempts: 1 }))).job!;
  const agent = await studio.agent(jobId, {
    replies: (tile, whole) => [tile.frame === failing && tile.tile === 3 ? failedReply(whole) : whole],
  });
  await studio.ended(jobId, failing === undefined ? 'finished' : 'finished_with_failures');
  await agent.stop();
  return jobId;
}

/** Renders what a job that runs still wants, and says which frames that were. */
async function renderRest(jobId: string): Promise<number[]> {
  const agent = await studio.agent(jobId, { nodeId: 'fake-2' });
  await studio.state(jobId, 'finished');
  await agent.stop();
  return [...new Set(agent.tiles.map(({ frame }) => frame))].sort();
}

async function damagedBetweenStarts(damage: () => Promise<void>): Promise<void> {
  await farm.close();
  await damage();
  await farm.start();
}

it('a damaged end: the job ends again at once, with the same frames', async () => {
  const jobId = await rendered('1-2', 2);
  const before = await studio.get(jobId);
  await damagedBetweenStarts(() => writeFile(inJob(jobId, 'ended.json'), TORN));
  await studio.state(jobId, 'finished_with_failures');
  const { coreSeconds, ...counts } = before.progress!;
  const again = (await studio.get(jobId)).progress!;
  expect(again).toMatchObject(counts);
  expect(again.coreSeconds).toBeCloseTo(coreSeconds);
  expect(await states(jobId)).toEqual(['finished', 'failed']);
  const [repaired] = await studio.told(jobId, 'repaired');
  expect(repaired!.message).toMatch(/^ended\.json of the job could not be read/);
  await studio.told(jobId, 'finished', 2);
  await studio.cleared(jobId);
  expect(JSON.parse(await readFile(inJob(jobId, 'ended.json'), 'utf8'))).toMatchObject({ framesFailed: 1 });
});

it('damaged retries: finished frames stay finished, failed ones failed, and can be retried', async () => {
  const jobId = await rendered('1-2', 2);
  await studio.retry(jobId);
  await damagedBetweenStarts(() => writeFile(inJob(jobId, 'retries.json'), TORN));
  await studio.state(jobId, 'finished_with_failures');
  expect(await states(jobId)).toEqual(['finished', 'failed']);
  expect((await studio.retry(jobId)).frames).toBe('2');
  expect(await renderRest(jobId)).toEqual([2]);
  await damagedBetweenStarts(async () => {
    await writeFile(inJob(jobId, 'retries.json'), TORN);
    await writeFile(inJob(jobId, 'ended.json'), TORN);
  });
  await studio.state(jobId, 'finished');
  const repaired = (await studio.told(jobId, 'repaired')).map(({ message }) => message);
  expect(repaired[0]).toMatch(/^retries\.json and ended\.json of the job could not be read/);
  // Both were asked for, the first of them was lost; nothing is told of a third.
  expect(await studio.told(jobId, 'retried', 2)).toHaveLength(2);
  await studio.cleared(jobId);
});

it.each([
  ['damaged', () => writeFile(inJob(lost, 'frames', '2.json'), TORN)],
  ['missing', () => rm(inJob(lost, 'frames', '2.json'))],
])('a %s record of a frame: it is shown as failed, and a retry renders it alone', async (what, damage) => {
  lost = await rendered('1-3');
  await damagedBetweenStarts(damage);
  const frames = await studio.frames(lost);
  expect(frames.map(({ state }) => state)).toEqual(['finished', 'failed', 'finished']);
  expect(frames[1]!.reason).toBe(
    `its record 2.json is ${what}; "guian job retry ${lost} --frames=2" renders it again`,
  );
  await expect(studio.download(lost, 2, 'exr')).rejects.toMatchObject({
    details: `frame 2 of job ${lost} is lost: ${frames[1]!.reason}`,
  });
  await expect(studio.retry(lost, '1')).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
  expect((await studio.retry(lost, '2')).frames).toBe('2');
  expect(await renderRest(lost)).toEqual([2]);
  expect(await states(lost)).toEqual(['finished', 'finished', 'finished']);
  await studio.cleared(lost);
});

it('a damaged record of a job that runs: the frame is rendered again, the others are not', async () => {
  const { jobId } = (await studio.submit()).job!;
  const agent = await studio.agent(jobId, { tilesMax: 24 });
  await studio.told(jobId, 'frame_finished', 2);
  await agent.stop();
  await writeFile(inJob(jobId, 'frames', '1.json'), TORN);
  const reason = async () => (await studio.frames(jobId)).find(({ frame }) => frame === 1)!.reason;
  expect(await reason()).toMatch(/^its record 1\.json is damaged; once the job has ended, "guian job retry/);
  await expect(studio.retry(jobId)).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
  await damagedBetweenStarts(async () => undefined);
  expect((await states(jobId))[0]).toMatch(/^(waiting|rendering)$/);
  await expect(studio.download(jobId, 1, 'exr')).rejects.toMatchObject({
    details: `frame 1 of job ${jobId} is not finished`,
  });
  expect(await renderRest(jobId)).toEqual([1, 3]);
  expect(await states(jobId)).toEqual(['finished', 'finished', 'finished']);
});

it('a damaged record of a cancelled job: only that frame is shown as failed', async () => {
  const { jobId } = (await studio.submit()).job!;
  const agent = await studio.agent(jobId, { tilesMax: 24 });
  await studio.told(jobId, 'frame_finished', 2);
  await agent.stop();
  await studio.cancel(jobId);
  await damagedBetweenStarts(() => writeFile(inJob(jobId, 'frames', '1.json'), TORN));
  expect(await states(jobId)).toEqual(['failed', 'finished', 'waiting']);
  const [first] = await studio.frames(jobId);
  expect(first!.reason).toBe('its record 1.json is damaged; submit the frame again as a new job');
});

it('a file that is cut or gone: a download names it and the way out, and no path of the server', async () => {
  const jobId = await rendered('1-2');
  const name = (frame: number) => `gradient.000${frame}.exr`;
  await truncate(inJob(jobId, 'frames', name(1)), 100);
  await rm(inJob(jobId, 'frames', name(2)));
  for (const [frame, status, damage] of [
    [1, 15, /is damaged: it has 100 bytes/],
    [2, 5, /is gone from the store/],
  ] as const) {
    const error = await studio.download(jobId, frame, 'exr').catch((thrown: unknown) => thrown);
    const { code, details } = error as { code: number; details: string };
    expect(code).toBe(status);
    expect(details).toMatch(damage);
    expect(details).toContain(`frame ${frame} of job ${jobId}: its file ${name(frame)}`);
    expect(details).not.toContain(farm.config.storeDir);
  }
});

it('a disk that answers anything else: the caller hears what it was, and no path of the server', async () => {
  const jobId = await rendered('1');
  await rename(inJob(jobId, 'frames'), inJob(jobId, 'aside'));
  await writeFile(inJob(jobId, 'frames'), 'a file in the place of the folder');
  const error = await studio.frames(jobId).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toMatch(/ENOTDIR \(open\) in the store of the coordinator; its log names/);
  expect((error as Error).message).not.toContain(farm.config.storeDir);
});
