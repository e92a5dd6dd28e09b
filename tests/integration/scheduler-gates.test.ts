/** What holds jobs back and lets them go, and what admins set: by what nodes are told, over restarts of the coordinator. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { JobId } from '#shared/domain/ids.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { schedulerCalls } from '../support/scheduler-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let scheduler: ReturnType<typeof schedulerCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  scheduler = schedulerCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterEach(async () => {
  await studio.cancelAll();
  await waitFor('all nodes have left', async () => (await studio.nodes()).length === 0);
});
afterAll(async () => {
  await farm?.[Symbol.asyncDispose]();
});

const waitFor = <T>(describe: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });
const jobsOf = async (nodeId: string): Promise<string[]> =>
  (await scheduler.assignmentOf(nodeId)).jobs.map(({ jobId }) => jobId);
const worksFor = (nodeId: string, jobId: string) =>
  waitFor(`${nodeId} works for ${jobId}`, async () => (await jobsOf(nodeId)).includes(jobId));
const leaves = (nodeId: string, jobId: string) =>
  waitFor(`${nodeId} leaves ${jobId}`, async () => !(await jobsOf(nodeId)).includes(jobId));
/** The first thing that it waits for. */
const waitOf = async (jobId: string) => (await scheduler.why(jobId)).waits[0];
const submit = async (changes: Parameters<typeof spec>[0] = {}) =>
  (await studio.submit(spec(changes))).job!.jobId as JobId;
const restart = async () => {
  await farm.close();
  await farm.start();
};

it('a paused job gets nothing, keeps so over a restart, and goes on when it is resumed', async () => {
  using _node = startFakeNode(farm.bus, 'one');
  const jobId = await submit();
  await worksFor('one', jobId);
  await scheduler.control({ jobId, paused: true });
  await leaves('one', jobId);
  expect(await waitOf(jobId)).toMatchObject({ kind: 'paused' });
  expect((await studio.get(jobId)).paused).toBe(true);
  expect((await studio.told(jobId, 'paused')).at(-1)?.message).toMatch(/guian job resume/);
  await restart();
  expect(await waitOf(jobId)).toMatchObject({ kind: 'paused' });
  expect(await jobsOf('one')).toEqual([]);
  await scheduler.control({ jobId, paused: false });
  await worksFor('one', jobId);
  expect(await studio.told(jobId, 'resumed')).toHaveLength(1);
  expect(await studio.told(jobId, 'paused'), 'told once, restart or not').toHaveLength(1);
});

it('a job starts at its time, and not before', async () => {
  using _node = startFakeNode(farm.bus, 'one');
  const startAtMs = Date.now() + 3_000;
  const jobId = await submit({ schedule: { startAtMs } });
  const other = await submit();
  await worksFor('one', other);
  expect(await waitOf(jobId)).toMatchObject({ kind: 'start_time', need: startAtMs });
  expect(await jobsOf('one')).toEqual([other]);
  await studio.cancel(other);
  await worksFor('one', jobId);
  expect(Date.now()).toBeGreaterThanOrEqual(startAtMs);
});

it('a job waits for another to finish, and goes on alone when it is told to', async () => {
  using _node = startFakeNode(farm.bus, 'one', { slots: 2 });
  const first = await submit({ frames: '1' });
  const second = await submit({ frames: '1', schedule: { after: [first] } });
  const third = await submit({ frames: '1', schedule: { after: [second] } });
  await worksFor('one', first);
  expect(await waitOf(second)).toMatchObject({ kind: 'dependency', subject: first });
  await restart();
  expect(await waitOf(second)).toMatchObject({ kind: 'dependency', subject: first });
  const agent = await studio.agent(first, { nodeId: 'one' });
  await studio.state(first, 'finished');
  await agent.stop();
  await worksFor('one', second);
  expect(await jobsOf('one')).toEqual([second]);
  await studio.cancel(second);
  await waitFor('third is without hope', async () => /for ever/.test((await waitOf(third))?.message ?? ''));
  expect((await studio.told(third, 'warning'))[0]?.message).toMatch(/cancelled.*--ignore-after/);
  await scheduler.control({ jobId: third, ignoreAfter: true });
  await worksFor('one', third);
});

it('frame by frame, a frame is given out when that of the other job is finished', async () => {
  using _node = startFakeNode(farm.bus, 'one', { slots: 2 });
  const first = await submit({ frames: '1-3' });
  const second = await submit({ frames: '2-4', schedule: { after: [first], afterFrames: true } });
  const agent = await studio.agent(second, { nodeId: 'one' });
  await waitFor('the frame that the other does not have', async () => agent.tiles.length >= 12);
  expect(new Set(agent.tiles.map(({ frame }) => frame))).toEqual(new Set([4]));
  await waitFor('it waits', async () => (await waitOf(second))?.kind === 'dependency');
  const other = await studio.agent(first, { nodeId: 'one' });
  await studio.state(first, 'finished');
  await studio.state(second, 'finished');
  await Promise.all([other.stop(), agent.stop()]);
  // Their agent says nothing of what it has in hand, so that a tile may come to it twice.
  expect(new Set(agent.tiles.map(({ frame, tile }) => `${frame}/${tile}`)).size).toBe(36);
});

it('a preview comes first, with few samples, and a repeated submit makes no second one', async () => {
  using _node = startFakeNode(farm.bus, 'one', { slots: 2 });
  const wanted = spec({ frames: '1', schedule: { previewSamples: 4 } });
  const { job } = await studio.submit(wanted, 'the-key');
  const again = await studio.submit(wanted, 'the-key');
  expect(again).toMatchObject({ existed: true, job: { jobId: job!.jobId } });
  const previewJobId = job!.spec!.schedule!.previewJobId;
  const preview = await studio.get(previewJobId);
  expect(preview.spec).toMatchObject({ name: 'gradient-preview', settings: { samples: 4 } });
  expect((await studio.list(10, '', 'queued')).jobs).toHaveLength(2);
  await worksFor('one', previewJobId);
  expect(await waitOf(job!.jobId)).toMatchObject({ kind: 'dependency', subject: previewJobId });
  await studio.cancel(previewJobId);
  await worksFor('one', job!.jobId);
});

it('a job that waits for one that nobody knows is refused', async () => {
  await expect(submit({ schedule: { after: ['nobody'] } })).rejects.toMatchObject({
    code: 'JOB_SPEC_INVALID',
    message: expect.stringMatching(/spec\.schedule\.after: there is no job "nobody"/),
  });
});

it('pools, tags and drains that an admin sets are in force at once, and after a restart', async () => {
  using _one = startFakeNode(farm.bus, 'one', { pools: ['night'] });
  using _two = startFakeNode(farm.bus, 'two');
  const jobId = await submit({ schedule: { needs: { pool: 'night', tags: ['fast'] } } });
  await waitFor('it waits for a tag', async () => (await waitOf(jobId))?.kind === 'tags');
  await scheduler.setNode({ nodeId: 'two', pools: { names: ['night'] }, tags: { names: ['fast'] } });
  await worksFor('two', jobId);
  expect(await jobsOf('one')).toEqual([]);
  await scheduler.setNode({ nodeId: 'two', drain: true });
  await leaves('two', jobId);
  await waitFor('it is drained', async () =>
    (await studio.nodes()).some(({ nodeId, state }) => nodeId === 'two' && state === 'drained'),
  );
  await restart();
  await waitFor('it is back', async () => (await studio.nodes()).length === 2);
  expect(await jobsOf('two')).toEqual([]);
  expect((await studio.nodes()).map(({ state }) => state)).toEqual(['ready', 'drained']);
  await scheduler.setNode({ nodeId: 'two', drain: false });
  await worksFor('two', jobId);
});

it('a restart leaves everybody with what he has', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const nodes = names.map((name) => startFakeNode(farm.bus, name));
  try {
    const jobs = [await submit(), await submit({ studio: 'other' })];
    const all = async () => await Promise.all(names.map(jobsOf));
    await waitFor('every node works', async () => (await all()).every((own) => own.length === 1));
    await waitFor('half of them for each', async () => {
      const told = (await all()).flat();
      return jobs.every((jobId) => told.filter((id) => id === jobId).length === 3);
    });
    const before = await all();
    await restart();
    await waitFor('all are back', async () => (await studio.nodes()).length === names.length);
    const third = await submit({ schedule: { startAtMs: Date.now() + 3_600_000 } });
    await waitFor('the scheduler works', async () => (await waitOf(third))?.kind === 'start_time');
    expect(await all()).toEqual(before);
  } finally {
    for (const node of nodes) node[Symbol.dispose]();
  }
});
