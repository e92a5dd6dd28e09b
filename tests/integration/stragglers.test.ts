/** Tiles that hold the end of a job back are rendered by a second node. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { failedReply } from '#tests/support/fake-agent.js';
import { farmCalls, leftOnBus, SCENE, spec, TIMEOUT_MS } from '#tests/support/farm-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { startWorkingNode, type WorkingNode, type WorkingNodeOptions } from '#tests/support/working-node.js';

const TILES = 12;
/** Without a second copy, a tile that hangs here goes to another node when its lease has run out. */
const BEFORE_LEASE_ENDS_MS = (2 / 3) * TIMES.leaseMs;

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let nodesOfTest: WorkingNode[] = [];

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});

afterEach(async () => {
  await studio.cancelAll();
  await Promise.all(nodesOfTest.map((node) => node.leave()));
  nodesOfTest = [];
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

async function submit(frames = '1'): Promise<JobId> {
  const { job } = await studio.submit(spec({ frames }));
  const jobId = jobIdSchema.parse(job!.jobId);
  await waitUntil(async () => (await leftOnBus(farm, jobId)).consumers === 1, {
    timeoutMs: TIMEOUT_MS,
    describe: 'its consumer',
  });
  return jobId;
}

/** It leaves after the test at the latest. */
async function start(jobId: JobId, options: WorkingNodeOptions): Promise<WorkingNode> {
  const node = await startWorkingNode(farm.bus, jobId, options);
  nodesOfTest.push(node);
  return node;
}

it('a tile that hangs, and one that waits behind it, are rendered by an idle node; the first result counts', async () => {
  const jobId = await submit();
  const slow = await start(jobId, { nodeId: 'slow', answer: () => 'never' });
  await waitUntil(() => slow.begun.length === 1, { timeoutMs: TIMEOUT_MS, describe: 'a tile that hangs' });
  const quick = await start(jobId, { nodeId: 'quick', slots: 2 });
  const startedAtMs = performance.now();
  await studio.state(jobId, 'finished');
  expect(performance.now() - startedAtMs).toBeLessThan(BEFORE_LEASE_ENDS_MS);
  const { progress } = await studio.get(jobId);
  expect(progress).toMatchObject({ tilesDone: TILES, tilesSpeculated: 2, attemptsFailed: 0 });
  const told = (await studio.ended(jobId)).filter(({ kind }) => kind === 'speculated');
  expect(told.map((event) => event.nodeId)).toEqual(['slow', 'slow']);
  expect(told.map((event) => event.message).sort()).toEqual([
    expect.stringMatching(
      /^node slow has had at hand tile \d+ of frame 1 for .* another node renders it too$/,
    ),
    expect.stringMatching(/^node slow has rendered tile \d+ of frame 1 for .* another node renders it too$/),
  ]);
  expect(quick.begun.filter(({ attempt }) => attempt === 2).map(({ avoid }) => avoid)).toEqual([
    ['slow'],
    ['slow'],
  ]);
  for (const node of [slow, quick]) await node.leave();
  await studio.cleared(jobId);
});

it('the node whose result is no longer needed is told to drop the tile, and nothing counts against it', async () => {
  const jobId = await submit();
  const slow = await start(jobId, {
    nodeId: 'slow',
    slots: 2,
    answer: ({ tile }, rendered) => (tile === 0 || tile === TILES - 1 ? 'never' : rendered),
  });
  await waitUntil(() => slow.begun.length === TILES, { timeoutMs: TIMEOUT_MS, describe: 'all other tiles' });
  // One after the other, so that the job is still open when the first one is done.
  const quick = await start(jobId, { nodeId: 'quick' });
  await waitUntil(() => slow.dropped.length > 0, {
    timeoutMs: TIMEOUT_MS,
    describe: 'a tile that is dropped',
  });
  expect(['1/0/1', `1/${TILES - 1}/1`]).toContain(slow.dropped[0]);
  await studio.state(jobId, 'finished');
  expect((await studio.get(jobId)).progress).toMatchObject({ tilesSpeculated: 2, attemptsFailed: 0 });
  for (const node of [slow, quick]) await node.leave();
  await studio.cleared(jobId);
});

it('a copy that fails leaves the tile to its first node, and another copy is made', async () => {
  const jobId = await submit();
  const slow = await start(jobId, {
    nodeId: 'slow',
    slots: 2,
    answer: ({ tile }, rendered) => (tile === 0 ? 'never' : rendered),
  });
  await waitUntil(() => slow.begun.length === TILES, { timeoutMs: TIMEOUT_MS, describe: 'all other tiles' });
  let tries = 0;
  const others = ['b', 'c'].map((nodeId) =>
    start(jobId, {
      nodeId,
      answer: (_tile, rendered) => (++tries === 1 ? failedReply(rendered) : rendered),
    }),
  );
  const [b, c] = await Promise.all(others);
  await studio.state(jobId, 'finished');
  expect((await studio.get(jobId)).progress).toMatchObject({ tilesSpeculated: 2, attemptsFailed: 1 });
  expect([...b!.begun, ...c!.begun].map(({ attempt }) => attempt).sort()).toEqual([2, 3]);
  for (const node of [slow, b, c]) await node!.leave();
  await studio.cleared(jobId);
});
