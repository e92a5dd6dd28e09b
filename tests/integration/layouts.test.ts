/** Frames of one job are cut in several ways, by what tiles took: the pixels stay the same, whatever is killed meanwhile. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { Region } from '#shared/domain/region.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import type { FakeAgentOptions } from '../support/fake-agent.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { pixelDigests } from '../support/pixel-digests.js';

const FRAMES = 40;
const VERSION = 'test 1';
let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
});
afterEach(async () => {
  if (farm.isUp) await farm.killProcess();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

/** Its tiles are dear enough to be looked at, and nothing has to be installed: the test renders. */
const shot = (tile: string): JobSpec =>
  spec({
    frames: `1-${FRAMES}`,
    tile,
    rendererVersion: VERSION,
    settings: { renderer: 'blender', widthPx: 128, heightPx: 96, samples: 1, formats: ['exr'] },
  });

/** The right eighth is a hundred times as dear as the rest. */
function costMs({ x0, x1, y0, y1 }: Region): number {
  const dear = Math.max(0, x1 - Math.max(x0, 112));
  return (y1 - y0) * (dear * 100 + (x1 - x0 - dear)) + 100;
}

const agentOptions: FakeAgentOptions = {
  replies: (tile, { meta, bytes }) => [
    { bytes, meta: { ...meta, renderer: `blender ${VERSION}`, renderMs: costMs(tile.region) } },
  ],
};

/** Frames as they are without tiles of different sizes, for each test to compare with. */
async function plainDigests(): Promise<string[]> {
  const { jobId } = (await studio.submit(shot('32'))).job!;
  const agent = await studio.agent(jobId, agentOptions);
  await studio.state(jobId, 'finished');
  await agent.stop();
  return pixelDigests(studio, jobId);
}

async function planIdsOf(jobId: string): Promise<string[]> {
  const text = await readFile(join(farm.config.storeDir, 'jobs', jobId, 'layouts.json'), 'utf8');
  const { layouts } = JSON.parse(text) as { layouts: { planId: string }[] };
  return layouts.map(({ planId }) => planId);
}

it(
  'cuts later frames by cost and gives the same pixels, though the coordinator is killed on the way',
  async () => {
    await farm.startProcess();
    await studio.upload(SCENE);
    const plain = await plainDigests();
    const { jobId } = (await studio.submit(shot('auto'))).job!;
    const agent = await studio.agent(jobId, { ...agentOptions, tilesMax: 3 });
    const [planned] = await studio.told(jobId, 'planned');
    expect(planned!.message).toMatch(/cut into \d+ tiles instead of 1, /);
    await agent.stop();
    const planIds = await planIdsOf(jobId);
    await farm.killProcess();
    await farm.startProcess();
    const rest = await studio.agent(jobId, agentOptions);
    await studio.ended(jobId);
    await rest.stop();
    expect(await pixelDigests(studio, jobId)).toEqual(plain);
    expect((await planIdsOf(jobId)).slice(0, planIds.length)).toEqual(planIds);
    const frames = await studio.frames(jobId);
    expect(frames.every(({ tilesDone, tilesTotal }) => tilesDone === tilesTotal)).toBe(true);
    expect(frames[0]!.tilesTotal).toBe(1);
    expect(frames.at(-1)!.tilesTotal).toBeGreaterThan(8);
    const { progress } = await studio.get(jobId);
    const sum = frames.reduce((tiles, { tilesTotal }) => tiles + (tilesTotal ?? 0), 0);
    expect(progress).toMatchObject({ tilesDone: sum, tilesTotal: sum });
    const cuts = new Set(rest.tiles.map(({ planId }) => planId));
    expect(cuts.size, 'more is known with time').toBeGreaterThan(2);
    const last = rest.tiles.filter(({ frame }) => frame === FRAMES);
    const times = last.map(({ region }) => costMs(region));
    expect(Math.max(...times), 'of 164 s').toBeLessThan(10_000);
    const { expectedMs, region } = last.at(-1)!;
    expect(expectedMs! / costMs(region)).toBeGreaterThan(0.7);
  },
  3 * TIMEOUT_MS,
);

it(
  'goes on with a cut that was recorded, though the coordinator was killed before it gave out a tile of it',
  async () => {
    await farm.startProcess();
    await studio.upload(SCENE);
    const plain = await plainDigests();
    const { jobId } = (await studio.submit(shot('auto'))).job!;
    await farm.killProcess();
    await farm.startProcess('layout recorded');
    const agent = await studio.agent(jobId, agentOptions);
    await farm.processGone();
    const planIds = await planIdsOf(jobId);
    expect(planIds).toHaveLength(1);
    await farm.startProcess();
    await studio.ended(jobId);
    await agent.stop();
    expect(await pixelDigests(studio, jobId)).toEqual(plain);
    const cuts = new Set(agent.tiles.map(({ planId }) => planId));
    expect([...cuts]).toContain(planIds[0]);
  },
  3 * TIMEOUT_MS,
);

it(
  'renders what is left by the grid when the record of its cuts is damaged',
  async () => {
    await farm.startProcess();
    const plain = await plainDigests();
    const { jobId } = (await studio.submit(shot('auto'))).job!;
    const agent = await studio.agent(jobId, { ...agentOptions, tilesMax: 20 });
    await studio.told(jobId, 'planned');
    await agent.stop();
    await farm.killProcess();
    await writeFile(join(farm.config.storeDir, 'jobs', jobId, 'layouts.json'), '{"layouts":[');
    await farm.startProcess();
    const rest = await studio.agent(jobId, agentOptions);
    const events = await studio.ended(jobId);
    await rest.stop();
    const repaired = events.filter(({ kind }) => kind === 'repaired').map(({ message }) => message);
    expect(repaired.some((message) => message.startsWith('layouts.json of the job could not be read'))).toBe(
      true,
    );
    expect(await pixelDigests(studio, jobId)).toEqual(plain);
  },
  3 * TIMEOUT_MS,
);
