/** One token of a licence, three agents, and kills: no two tiles that need it ever render at the same time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CountedRenderer, writeCountedRenderer } from '#tests/support/counted-renderer.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import { schedulerCalls } from '#tests/support/scheduler-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** A token of a killed agent is free when its fence has passed, and agents are killed again and again. */
const END_MS_MAX = 150_000;
const TILE_MS = 120;
const TILES = 40;

let farm: FaultFarm;
let scheduler: ReturnType<typeof schedulerCalls>;
let counted: CountedRenderer;
let folder: string;
const agents = new Map<string, FaultAgent>();

const startAgent = async (name: string) =>
  void agents.set(name, await farm.startAgent(name, { slots: 2, args: ['--renderer-module', counted.file] }));

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'guian-counted-'));
  counted = await writeCountedRenderer(folder, TILE_MS);
  farm = await startFaultFarm();
  scheduler = schedulerCalls(farm);
  for (const name of ['a', 'b', 'c']) await startAgent(name);
  await scheduler.setLicence({ name: 'one', total: 1 });
});
afterAll(async () => {
  await farm?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const submit = (name: string, studio: string) =>
  scheduler.submit({
    ...{ name, studio, tiles: TILES, tileMs: 0, renderer: 'counted' },
    schedule: { licences: ['one'] },
  });
const holderOf = async (jobIds: readonly string[]): Promise<string | undefined> => {
  for (const name of agents.keys())
    if ((await scheduler.assignmentOf(name)).jobs.some(({ jobId }) => jobIds.includes(jobId))) return name;
  return undefined;
};
const done = async (jobIds: readonly string[]): Promise<number> => {
  let sum = 0;
  for (const jobId of jobIds) sum += (await farm.studio.get(jobId)).progress?.tilesDone ?? 0;
  return sum;
};
const untilDone = (jobIds: readonly string[], atLeast: number) => {
  let seen = 0;
  return waitUntil(
    async () => {
      // The coordinator may be away.
      seen = await done(jobIds).catch(() => seen);
      return seen >= atLeast;
    },
    { timeoutMs: END_MS_MAX, describe: () => `${atLeast} tiles done; there are ${seen}` },
  );
};

it('is held by one tile at a time, when jobs take turns, and when agents, the coordinator or the server are killed', async () => {
  const jobIds = [await submit('first', 'studio-a'), await submit('second', 'studio-b')];
  await untilDone(jobIds, 5);
  for (const jobId of jobIds) expect((await scheduler.why(jobId)).slots).toBeLessThanOrEqual(1);
  // The coordinator, while a tile renders: it comes back and goes on with who holds the token.
  await farm.coordinator.crash();
  await untilDone(jobIds, 15);
  // The agent that has the token.
  const victim = await waitUntil(() => holderOf(jobIds), { describe: 'somebody who has the token' });
  const killedAtMs = performance.now();
  await agents.get(victim!)!.kill();
  await untilDone(jobIds, (await done(jobIds)) + 2);
  const tookMs = performance.now() - killedAtMs;
  // The one that has it now, at the same time as the coordinator; it comes back at once, on the same machine.
  const next = await waitUntil(() => holderOf(jobIds), { describe: 'somebody who has the token' });
  await Promise.all([agents.get(next!)!.kill(), farm.coordinator.crash()]);
  await startAgent(next!);
  await untilDone(jobIds, (await done(jobIds).catch(() => 20)) + 5);
  // Whoever is paused gives it to the other one.
  for (const paused of [true, false, true, false]) {
    await scheduler.control({ jobId: jobIds[0]!, paused }).catch(() => undefined);
    await delay(400);
  }
  await farm.crashNats(200);
  await untilDone(jobIds, 2 * TILES);
  for (const jobId of jobIds) await farm.studio.state(jobId, 'finished');
  expect(counted.violations()).toEqual([]);
  expect(counted.begun()).toBeGreaterThanOrEqual(2 * TILES);
  process.stdout.write(`the token of a killed agent went to another after ${tookMs.toFixed()} ms\n`);
}, 400_000);

it('is given up by a node that is cut off, before another gets it', async () => {
  counted.setTileMs(60_000);
  const jobId = await submit('long', 'studio-a');
  const begun = counted.begun();
  await waitUntil(() => counted.begun() > begun, { describe: 'a tile that renders' });
  const cutOff = await waitUntil(() => holderOf([jobId]), { describe: 'somebody who has the token' });
  const { link } = agents.get(cutOff!)!;
  const cutAtMs = performance.now();
  await link.refuse();
  link.cut();
  const isWithOther = async () => ![undefined, cutOff].includes(await holderOf([jobId]));
  await waitUntil(isWithOther, { timeoutMs: END_MS_MAX, describe: 'another node that has the token' });
  await waitUntil(() => counted.begun() > begun + 1, { describe: 'a tile that renders there' });
  process.stdout.write(
    `the token of a node that was cut off went to another after ${(performance.now() - cutAtMs).toFixed()} ms\n`,
  );
  await link.accept();
  await waitUntil(async () => (await farm.studio.nodes()).every(({ state }) => state === 'ready'), {
    timeoutMs: END_MS_MAX,
    describe: 'all nodes back',
  });
  await farm.studio.cancel(jobId);
  expect(counted.violations()).toEqual([]);
}, 400_000);
