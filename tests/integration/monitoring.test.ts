/** What monitoring reads of a real coordinator over HTTP: the same numbers as over gRPC, and whether it serves. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { coordinatorConfig } from '#coordinator/config.js';
import { runCoordinator } from '#coordinator/main.js';
import { resolveConfig } from '#shared/config.js';
import { adminCalls } from '../support/admin-calls.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { parseMetrics } from '../support/parse-metrics.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let admin: ReturnType<typeof adminCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm({ http: '127.0.0.1:0' });
  studio = farmCalls(farm);
  admin = adminCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const get = (page: string) => fetch(`http://${farm.httpAddress}/${page}`);
async function scrape() {
  const metrics = parseMetrics(await (await get('metrics')).text());
  return (name: string) => Object.fromEntries(metrics.get(name)!.samples);
}

it('a pool that has no node yet wants a slot as soon as a job waits for one', async () => {
  const { jobId } = (await studio.submit(spec({ schedule: { needs: { pool: 'empty' } } }))).job!;
  let shown = await scrape();
  await waitUntil(
    async () => {
      shown = await scrape();
      return shown('guian_pool_slots_wanted')['pool="empty"'] === 1;
    },
    { timeoutMs: TIMEOUT_MS, describe: () => `a slot: ${JSON.stringify(shown('guian_pool_slots_wanted'))}` },
  );
  expect(shown('guian_pool_slots')['pool="empty"']).toBe(0);
  await studio.cancel(jobId);
});

it('metrics of pools are what scale advice says, and the rest is what there is', async () => {
  using _film = startFakeNode(farm.bus, 'film-1', { slots: 6, pools: ['film'], assignmentRevision: 0 });
  using _none = startFakeNode(farm.bus, 'none-1', { slots: 2 });
  await admin.setPool({ name: 'film', minSlots: 4 });
  await admin.setLicence({ name: 'nuke', total: 3 });
  const schedule = { needs: { pool: 'film' }, licences: ['nuke'] };
  const { jobId } = (await studio.submit(spec({ studio: 'ana', schedule }))).job!;
  let shown = await scrape();
  await waitUntil(
    async () => {
      shown = await scrape();
      return shown('guian_studio_slots')['studio="ana"'] === 3;
    },
    {
      timeoutMs: TIMEOUT_MS,
      describe: () => `3 slots for ana: ${JSON.stringify(shown('guian_studio_slots'))}`,
    },
  );
  const advice = await admin.scaleAdvice();
  expect(advice.map(({ pool }) => pool)).toEqual(['', 'film']);
  for (const { pool, slots, slotsWanted, backlogCoreSeconds } of advice) {
    const label = `pool="${pool}"`;
    expect(shown('guian_pool_slots')[label]).toBe(slots);
    expect(shown('guian_pool_slots_wanted')[label]).toBe(slotsWanted);
    expect(shown('guian_pool_backlog_core_seconds')[label]).toBe(backlogCoreSeconds);
  }
  expect(shown('guian_pool_slots')).toEqual({ 'pool=""': 2, 'pool="film"': 6 });
  expect(shown('guian_studio_slots_wanted')['studio="ana"']).toBeGreaterThanOrEqual(3);
  expect(shown('guian_licence_tokens')).toEqual({ 'licence="nuke"': 3 });
  expect(shown('guian_licence_tokens_in_use')).toEqual({ 'licence="nuke"': 3 });
  expect(shown('guian_nodes')).toMatchObject({ 'state="ready"': 2, 'state="lost"': 0 });
  expect(shown('guian_tiles_open')).toEqual({ '': 36 });
  const cancelled = shown('guian_jobs')['state="cancelled"']!;
  await studio.cancel(jobId);
  await waitUntil(
    async () => {
      shown = await scrape();
      return (
        shown('guian_jobs')['state="cancelled"'] === cancelled + 1 && shown('guian_tiles_open')[''] === 0
      );
    },
    { timeoutMs: TIMEOUT_MS, describe: () => `a cancelled job: ${JSON.stringify(shown('guian_jobs'))}` },
  );
  expect(shown('guian_studio_slots')).toEqual({});
});

it('tiles that are done are counted', async () => {
  await scrape();
  const { jobId } = (await studio.submit(spec({ frames: '1' }))).job!;
  const agent = await studio.agent(jobId);
  await studio.ended(jobId);
  await agent.stop();
  let shown = await scrape();
  await waitUntil(
    async () => {
      shown = await scrape();
      return shown('guian_tiles_done_total')[''] === 12 && shown('guian_jobs')['state="finished"'] === 1;
    },
    { timeoutMs: TIMEOUT_MS, describe: () => `12 tiles: ${shown('guian_tiles_done_total')['']}` },
  );
});

it('is not ready while nats-server is away, alive all the time, and ready when it is back', async () => {
  expect([(await get('readyz')).status, (await get('healthz')).status]).toEqual([200, 200]);
  farm.nats.kill();
  await farm.nats.exited;
  const away = await get('readyz');
  expect([away.status, await away.text()]).toEqual([503, 'not ready: the NATS server does not answer\n']);
  expect([(await get('healthz')).status, (await get('metrics')).status]).toEqual([200, 200]);
  await farm.restartNats();
  await waitUntil(async () => (await get('readyz')).status === 200, {
    timeoutMs: TIMEOUT_MS,
    describe: 'ready again',
  });
});

it('serves nothing unless asked, refuses a port that is in use, and closes with the coordinator', async () => {
  expect(resolveConfig(coordinatorConfig, {}).http).toBeUndefined();
  const storeDir = `${farm.config.storeDir}-2`;
  const second = { ...farm.config, prefix: 'second', storeDir, http: farm.httpAddress };
  await expect(runCoordinator(second)).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(/--http/),
  });
  const page = `http://${farm.httpAddress}/healthz`;
  await farm.close();
  await expect(fetch(page)).rejects.toThrow();
});
