/** Tiles that count only once two nodes have given the same pixels. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TileMessage } from '#shared/bus/messages.js';
import { type JobId, jobIdSchema } from '#shared/domain/ids.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { failedReply, type Reply } from '#tests/support/fake-agent.js';
import { farmCalls, leftOnBus, SCENE, spec, TIMEOUT_MS } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';
import {
  blackReply,
  startWorkingNode,
  type WorkingNode,
  type WorkingNodeOptions,
} from '#tests/support/working-node.js';

const TILES = 12;

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let reference: string[];
let nodesOfTest: WorkingNode[] = [];

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const { job } = await studio.submit(spec({ frames: '1' }));
  const agent = await studio.agent(job!.jobId);
  await studio.state(job!.jobId, 'finished');
  await agent.stop();
  reference = await pixelDigests(studio, job!.jobId);
});

afterEach(async () => {
  if (!farm.isUp) await farm.start();
  await studio.cancelAll();
  await Promise.all(nodesOfTest.map((node) => node.leave()));
  nodesOfTest = [];
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

async function submit(changes: Parameters<typeof spec>[0] = {}): Promise<JobId> {
  const { job } = await studio.submit(spec({ frames: '1', verify: 1, ...changes }));
  const jobId = jobIdSchema.parse(job!.jobId);
  await waitUntil(async () => (await leftOnBus(farm, jobId)).consumers === 1, {
    timeoutMs: TIMEOUT_MS,
    describe: 'its consumer',
  });
  return jobId;
}

/** They leave after the test at the latest. */
async function start(jobId: JobId, options: readonly WorkingNodeOptions[]): Promise<WorkingNode[]> {
  const nodes = await Promise.all(options.map((one) => startWorkingNode(farm.bus, jobId, one)));
  nodesOfTest.push(...nodes);
  return nodes;
}

/** Of a job that has finished. */
async function eventsOf(jobId: JobId, kind: string): Promise<string[]> {
  const events = await studio.ended(jobId);
  return events.filter((event) => event.kind === kind).map((event) => event.message);
}

describe('a verified job', () => {
  it('renders each tile on two nodes that agree, and says so', async () => {
    const jobId = await submit();
    const nodes = await start(jobId, [{ nodeId: 'a' }, { nodeId: 'b' }]);
    await studio.state(jobId, 'finished');
    for (const node of nodes) {
      const tiles = node.begun.map(({ tile }) => tile).sort((x, y) => x - y);
      expect(tiles, node.nodeId).toEqual(Array.from({ length: TILES }, (_, tile) => tile));
      await node.leave();
    }
    const { progress } = await studio.get(jobId);
    expect(progress).toMatchObject({ tilesDone: TILES, tilesVerified: TILES, attemptsFailed: 0 });
    expect(await pixelDigests(studio, jobId)).toEqual(reference);
    expect(await eventsOf(jobId, 'result_rejected')).toEqual([]);
    await studio.cleared(jobId);
    const { finishedTiles } = (await studio.frame(jobId, 1))!;
    expect(finishedTiles.map(({ tile }) => tile)).toEqual(Array.from({ length: TILES }, (_, tile) => tile));
    for (const { tile, nodeId, agreedNodeId, attempt } of finishedTiles) {
      expect([nodeId, agreedNodeId].sort()).toEqual(['a', 'b']);
      const begun = nodes.find((node) => node.nodeId === nodeId)!.begun;
      expect(begun.find((one) => one.tile === tile)!.attempt).toBe(attempt);
    }
    expect(await studio.frame(jobId, 2)).toBeUndefined();
    expect((await studio.frames(jobId))[0]!.finishedTiles).toEqual([]);
  });

  it('finds a node out whose pixels are wrong, and delivers the right ones', async () => {
    const jobId = await submit();
    const nodes = await start(jobId, [
      { nodeId: 'a' },
      { nodeId: 'corrupt', answer: (tile, rendered) => blackReply(rendered, tile) },
      { nodeId: 'c' },
    ]);
    await studio.state(jobId, 'finished');
    for (const node of nodes) await node.leave();
    expect(await pixelDigests(studio, jobId)).toEqual(reference);
    const { progress } = await studio.get(jobId);
    expect(progress).toMatchObject({ tilesVerified: TILES });
    expect(progress!.attemptsFailed).toBeGreaterThan(0);
    const told = await eventsOf(jobId, 'result_rejected');
    expect(told.filter((message) => /nodes .*corrupt.* gave different pixels/.test(message)).length).toBe(
      progress!.attemptsFailed,
    );
    const named = told.filter((message) => message.startsWith('the result of node '));
    expect(named).toHaveLength(progress!.attemptsFailed);
    for (const message of named)
      expect(message).toMatch(/^the result of node corrupt .* nodes (a and c|c and a) gave/);
  });

  it('names a node whose version gives other pixels, and does not block it for that', async () => {
    const jobId = await submit();
    const otherVersion = (rendered: Reply, tile: TileMessage): Reply => {
      const { bytes, meta } = blackReply(rendered, tile);
      return { bytes, meta: { ...meta, renderer: 'another version' } };
    };
    const nodes = await start(jobId, [
      { nodeId: 'a' },
      { nodeId: 'newer', answer: (tile, rendered) => otherVersion(rendered, tile) },
      { nodeId: 'c' },
    ]);
    await studio.state(jobId, 'finished');
    for (const node of nodes) await node.leave();
    const told = await eventsOf(jobId, 'result_rejected');
    expect(
      told.filter((message) => message.startsWith('the result of node newer (another version)')),
    ).not.toEqual([]);
    expect(await eventsOf(jobId, 'node_blocked')).toEqual([]);
  });

  it('accepts what its only node gives, and warns of that once', async () => {
    const jobId = await submit();
    const [node] = await start(jobId, [{ nodeId: 'a' }]);
    await studio.state(jobId, 'finished');
    await node!.leave();
    expect(node!.begun).toHaveLength(TILES);
    const { progress } = await studio.get(jobId);
    expect(progress).toMatchObject({ tilesDone: TILES, tilesVerified: 0 });
    const warnings = await eventsOf(jobId, 'warning');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^verification needs a second node/);
  });

  it('goes on with one node when the second one leaves before it has done anything', async () => {
    const jobId = await submit();
    const [idle, node] = await start(jobId, [{ nodeId: 'idle', takes: false }, { nodeId: 'a' }]);
    await waitUntil(() => node!.begun.length === TILES, { timeoutMs: TIMEOUT_MS, describe: 'first results' });
    expect((await studio.get(jobId)).progress).toMatchObject({ tilesDone: 0 });
    await idle!.leave();
    await studio.state(jobId, 'finished');
    expect(node!.begun).toHaveLength(TILES);
    await node!.leave();
  });

  it('goes on where it was when the coordinator is started again', async () => {
    const jobId = await submit();
    const [idle, node] = await start(jobId, [{ nodeId: 'b', takes: false }, { nodeId: 'a' }]);
    await waitUntil(() => node!.begun.length === TILES, { timeoutMs: TIMEOUT_MS, describe: 'first results' });
    await farm.close();
    await farm.start();
    const [second] = await start(jobId, [{ nodeId: 'c' }]);
    await studio.state(jobId, 'finished');
    expect((await studio.get(jobId)).progress).toMatchObject({ tilesDone: TILES, tilesVerified: TILES });
    expect(node!.begun, 'nothing is rendered twice by one node').toHaveLength(TILES);
    expect(second!.begun).toHaveLength(TILES);
    for (const one of [idle, node, second]) await one!.leave();
    expect(await pixelDigests(studio, jobId)).toEqual(reference);
  });
});

it('a tile that a node failed is given to it again once nobody else is left', async () => {
  const jobId = await submit({ verify: 0 });
  const [idle, node] = await start(jobId, [
    { nodeId: 'idle', takes: false },
    {
      nodeId: 'a',
      answer: ({ tile, attempt }, rendered) =>
        tile === 5 && attempt === 1 ? failedReply(rendered) : rendered,
    },
  ]);
  const done = async () => (await studio.get(jobId)).progress?.tilesDone;
  await waitUntil(async () => (await done()) === TILES - 1, {
    timeoutMs: TIMEOUT_MS,
    describe: 'all tiles but one',
  });
  expect(node!.begun, 'it leaves the second attempt to the other').toHaveLength(TILES);
  await idle!.leave();
  await studio.state(jobId, 'finished');
  expect(node!.begun.map(({ tile, attempt }) => [tile, attempt]).at(-1)).toEqual([5, 3]);
  await node!.leave();
  await studio.cleared(jobId);
});
