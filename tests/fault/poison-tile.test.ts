/** A tile that ends every agent that renders it: no failed attempt is ever reported, and yet it ends. */
import { expect, it } from 'vitest';
import { jobIdSchema } from '#shared/domain/ids.js';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { startWorkingNode } from '#tests/support/working-node.js';

const TILES = 12;
const MAX_ATTEMPTS = 2;
/** tiles-at-work.ts: three losses isolate it, each later one is a failed attempt. */
const DEATHS_MAX = 3 + MAX_ATTEMPTS;

it('fails after a few agents, and the tiles that were with it lose nothing', async () => {
  await using farm = await startCoordinatorFarm();
  const studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const { job } = await studio.submit(spec({ frames: '1-2', maxAttempts: MAX_ATTEMPTS }));
  const jobId = jobIdSchema.parse(job!.jobId);
  await waitUntil(() => farm.bus.jsm.consumers.info(farm.bus.names.tilesStream, jobId).catch(() => false), {
    describe: 'its consumer',
  });
  const nodes = await Promise.all(
    ['a', 'b'].map((nodeId) =>
      startWorkingNode(farm.bus, jobId, {
        nodeId,
        slots: 2,
        answer: ({ frame, tile }, rendered) => (frame === 1 && tile === 3 ? 'agent ends' : rendered),
      }),
    ),
  );
  await waitUntil(async () => (await studio.get(jobId)).state === 'finished_with_failures', {
    describe: () => `the end of the job; agents ended: ${nodes.map(({ ends }) => ends)}`,
  });
  expect(nodes.reduce((sum, { ends }) => sum + ends, 0)).toBe(DEATHS_MAX);
  const frames = await studio.frames(jobId);
  expect(frames.map(({ frame, state }) => [frame, state])).toEqual([
    [1, 'failed'],
    [2, 'finished'],
  ]);
  const [failed] = frames[0]!.failedTiles;
  expect(failed).toMatchObject({ tile: 3 });
  expect(failed!.attempts.map(({ code, message }) => [code, message])).toEqual([
    ['NODE_LOST', '4 agents ended while they rendered it'],
    ['NODE_LOST', '5 agents ended while they rendered it'],
  ]);
  const { progress } = await studio.get(jobId);
  expect(progress, 'no other tile has failed').toMatchObject({ attemptsFailed: MAX_ATTEMPTS });
  expect(frames[0]!.tilesDone).toBe(TILES - 1);
  const warnings = (await studio.ended(jobId, 'finished_with_failures')).filter(
    ({ kind }) => kind === 'warning',
  );
  expect(warnings.map(({ message }) => message)).toContain(
    '3 agents ended while they had tile 3 of frame 1: from now on it is rendered apart from other such tiles',
  );
  for (const node of nodes) await node.leave();
  await studio.cleared(jobId);
});
