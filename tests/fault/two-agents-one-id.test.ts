/** Two machines that were given the same node id work at the same time: a warning says so, and no tile suffers. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  SMALL_TILES,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 90 tiles of 100 ms. */
const JOB: FaultJob = { ...SMALL_TILES, frames: 6 };
const TILES = 90;
const WARNING = 'two agents use one node id';

let farm: FaultFarm;
beforeEach(async () => {
  farm = await startFaultFarm();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** How often each tile came back, by tile. */
function countResults(): Map<string, number> {
  const counts = new Map<string, number>();
  farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (_, message) => {
      const tile = message.subject.split('.').slice(3, 5).join('/');
      counts.set(tile, (counts.get(tile) ?? 0) + 1);
    },
  });
  return counts;
}

async function expectNoTileCircled(counts: ReadonlyMap<string, number>): Promise<void> {
  await expect.poll(() => counts.size, { message: 'tiles with a result' }).toBe(TILES);
  const renders = [...counts.values()];
  const total = renders.reduce((sum, count) => sum + count, 0);
  process.stdout.write(`${total} results of ${TILES} tiles, at most ${Math.max(...renders)} of one\n`);
  expect(Math.max(...renders), 'results of one tile').toBeLessThanOrEqual(3);
  expect(total - TILES, 'renders in vain').toBeLessThan(TILES / 3);
}

const warned = (): Promise<boolean> =>
  waitUntil(() => farm.logOf(farm.coordinator).includes(WARNING), {
    describe: 'a warning that names the conflict',
  });

it('two agents with one id share a job: frames are whole, tiles count once, none circles, and a warning says why', async () => {
  for (const name of ['first', 'second']) await farm.startAgent(name, { nodeId: 'twin' });
  // Heartbeats alone tell of it.
  await warned();
  const counts = countResults();
  const jobId = await submitFaultJob(farm, JOB);
  await expectWholeJob(farm, jobId, JOB);
  await expectNoTileCircled(counts);
});

it('one of two agents with one id is killed: its tiles go to the other, which still answers for the id', async () => {
  const [first] = [
    await farm.startAgent('first', { nodeId: 'twin' }),
    await farm.startAgent('second', { nodeId: 'twin' }),
  ];
  await warned();
  const counts = countResults();
  const jobId = await submitFaultJob(farm, JOB);
  await tilesDone(farm, jobId, 20);
  await first.kill();
  const killedAtMs = Date.now();
  const events = await expectWholeJob(farm, jobId, JOB);
  await expectNoTileCircled(counts);
  expect(Number(events.at(-1)!.atMs) - killedAtMs, 'no lease had to run out').toBeLessThan(25_000);
  const nodes = async () => (await farm.studio.nodes()).map(({ nodeId, state }) => `${nodeId} ${state}`);
  await expect.poll(nodes, { timeout: 10_000 }).toEqual(['twin ready']);
});
