/** A node all of whose results are well-formed and useless: found when the frame is put together. */
import { expect, it } from 'vitest';
import { encodeTile } from '#shared/image/tile-codec.js';
import { startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { digestOf } from '#tests/support/fake-agent.js';
import { farmCalls, SCENE } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';

it('costs one attempt of each tile, however soon single tiles of the frame are rendered again', async () => {
  await using farm = await startCoordinatorFarm();
  const studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  const black = encodeTile([{ name: 'beauty', data: new Float32Array(16) }], 2, 2);
  const outcome = { kind: 'rendered' as const, digest: digestOf(black), sizeBytes: black.byteLength };
  const render = async (isBad: boolean) => {
    const { job } = await studio.submit();
    const agent = await studio.agent(job!.jobId, {
      replies: ({ attempt }, rendered) =>
        isBad && attempt === 1 ? [{ bytes: black, meta: { ...rendered.meta, outcome } }] : [rendered],
    });
    await studio.state(job!.jobId, 'finished');
    await agent.stop();
    return { digests: await pixelDigests(studio, job!.jobId), tiles: agent.tiles };
  };
  const { digests } = await render(false);
  const bad = await render(true);
  expect(bad.digests).toEqual(digests);
  expect(bad.tiles.filter((tile) => tile.attempt === 2)).toHaveLength(36);
  expect(bad.tiles).toHaveLength(72);
});
