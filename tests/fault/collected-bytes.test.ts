/** Results that find no room in the coordinator's memory are read again from the stream, and look the same. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { retryCall } from '#shared/bus/retry-call.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let wanted: string[];

async function render(partBytes: number | undefined): Promise<{ digests: string[]; attempts: number[] }> {
  const { job } = await studio.submit();
  const agent = await studio.agent(job!.jobId, partBytes === undefined ? {} : { partBytes });
  await studio.state(job!.jobId, 'finished');
  await agent.stop();
  const digests = await pixelDigests(studio, job!.jobId);
  return { digests, attempts: agent.tiles.map((tile) => tile.attempt) };
}

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  ({ digests: wanted } = await render(undefined));
  await farm.close();
});
afterEach(async () => {
  if (farm.isUp) await studio.cancelAll();
  await farm.close();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

describe('a coordinator', () => {
  it.each([
    ['no result at all, whole or in parts', 0, 100],
    ['single results of one part', 700, undefined],
    ['some parts of a result, and not the others', 650, 100],
  ])(
    'that has room for %s gives the same pixels, and renders nothing twice',
    async (_what, bytesMax, partBytes) => {
      await farm.start({ collectedBytesMax: bytesMax });
      const { digests, attempts } = await render(partBytes);
      expect(digests).toEqual(wanted);
      expect(attempts).toEqual(new Array(36).fill(1));
    },
  );

  it('renders a tile again whose result has vanished from the stream before it was needed', async () => {
    await farm.start({ collectedBytesMax: 0 });
    const { job } = await studio.submit();
    const { jobId } = job!;
    const { jsm, names } = farm.bus;
    const first = await studio.agent(jobId, { tilesMax: 5 });
    await waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone === 5, {
      describe: 'five tiles placed',
    });
    await first.stop();
    const gone = first.tiles[0]!;
    await retryCall('purge', () => jsm.streams.purge(names.resultsStream, { filter: names.result(gone, 0) }));
    const second = await studio.agent(jobId, { nodeId: 'fake-2' });
    await studio.state(jobId, 'finished');
    await second.stop();
    expect(second.tiles.filter((tile) => tile.frame === gone.frame && tile.tile === gone.tile)).toMatchObject(
      [{ attempt: 2 }],
    );
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
  });
});
