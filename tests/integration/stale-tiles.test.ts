/** Messages in the queue that say something else than what the coordinator would have put there. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type TileMessage, tileMessageSchema } from '#shared/bus/messages.js';
import { type JobId, jobIdSchema, type NodeId } from '#shared/domain/ids.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { failedReply, publishResult, renderTile } from '#tests/support/fake-agent.js';
import { farmCalls, leftOnBus, SCENE, spec, TIMEOUT_MS } from '#tests/support/farm-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { startWorkingNode } from '#tests/support/working-node.js';

const TILES = 12;
const A = 'a' as NodeId;

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});

afterEach(async () => {
  if (!farm.isUp) await farm.start();
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

async function submit(frames: string, tiles: number): Promise<JobId> {
  const { job } = await studio.submit(spec({ frames }));
  const jobId = jobIdSchema.parse(job!.jobId);
  await tilesInQueue(jobId, tiles);
  return jobId;
}

const tilesInQueue = (jobId: JobId, count: number) =>
  waitUntil(async () => (await leftOnBus(farm, jobId)).tiles === count, {
    timeoutMs: TIMEOUT_MS,
    describe: `${count} tiles in the queue`,
  });

async function queued(jobId: JobId, frame: number, tile: number): Promise<TileMessage> {
  const { names, jsm } = farm.bus;
  const last_by_subj = names.tile({ jobId, frame, tile, attempt: 1 });
  const message = await jsm.streams.getMessage(names.tilesStream, { last_by_subj });
  return decodeMessage(tileMessageSchema, message!.data, 'tile');
}

const publish = (tile: TileMessage) =>
  farm.bus.publisher.publish(farm.bus.names.tile(tile), encodeMessage(tile));

describe('a coordinator', () => {
  it('takes tiles out of the queue that nobody waits for, so that they keep no others from their node', async () => {
    const jobId = await submit('1-2', 2 * TILES);
    const one = await queued(jobId, 1, 0);
    for (let tile = 0; tile < TILES; tile++)
      for (const attempt of [2, 3, 4]) await publish({ ...one, tile, attempt, avoid: [A] });
    // Each of them was in the queue, or publishing it would have failed; they go from it as soon as somebody looks.
    await tilesInQueue(jobId, 2 * TILES);
    await using node = await startWorkingNode(farm.bus, jobId, { nodeId: A });
    const events = await studio.ended(jobId);
    expect(node.begun.map(({ attempt }) => attempt)).toEqual(new Array(2 * TILES).fill(1));
    expect(events.filter(({ kind }) => kind === 'repaired')).toEqual([]);
  });

  it('goes by what a message of an earlier run says of who is to leave the tile to others', async () => {
    const jobId = await submit('1', TILES);
    await farm.close();
    const { names, jsm } = farm.bus;
    const one = await queued(jobId, 1, 3);
    await jsm.streams.purge(names.tilesStream, { filter: names.tile(one) });
    await publish({ ...one, avoid: [A] });
    await farm.start();
    await using node = await startWorkingNode(farm.bus, jobId, { nodeId: A });
    await studio.state(jobId, 'finished');
    expect(node.begun).toHaveLength(TILES);
    expect(node.begun.filter(({ tile }) => tile === 3)).toMatchObject([{ attempt: 2 }]);
    await studio.cleared(jobId);
  });

  it('blames a node for what it fails of a frame that is finished', async () => {
    const jobId = await submit('1-2', 2 * TILES);
    await using _idle = await startWorkingNode(farm.bus, jobId, { nodeId: 'late', takes: false });
    await using node = await startWorkingNode(farm.bus, jobId, {
      nodeId: A,
      answer: ({ frame }, rendered) => (frame === 2 ? 'never' : rendered),
    });
    await waitUntil(async () => (await studio.frames(jobId)).some(({ state }) => state === 'finished'), {
      timeoutMs: TIMEOUT_MS,
      describe: 'the first frame',
    });
    // What comes before its results are removed is removed with them.
    await waitUntil(async () => (await leftOnBus(farm, jobId)).results === 0, {
      timeoutMs: TIMEOUT_MS,
      describe: 'no results on the bus',
    });
    const events = studio.watch(jobId);
    for (const tile of node.begun.filter(({ frame }) => frame === 1).slice(0, 3))
      await publishResult(farm.bus, failedReply(renderTile({ ...tile, attempt: 2 }, 'late')));
    await waitUntil(
      async () =>
        (await studio.nodes()).some(({ nodeId, blockedJobs }) => nodeId === 'late' && blockedJobs.length > 0),
      { timeoutMs: TIMEOUT_MS, describe: 'the late node blocked' },
    );
    await studio.cancel(jobId);
    expect((await events).filter(({ kind }) => kind === 'attempt_failed')).toEqual([]);
  });
});
