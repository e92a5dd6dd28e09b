/** Tiles that a node is to leave to others, and a node on which everything fails. */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobRecord } from '#shared/domain/job.js';
import { TIMES } from '#shared/limits.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';

const EMPTY = { 'a.json': '{}' };
/** Of a wait that only ends in vain when the thing never comes. */
const TIMEOUT_MS = 90_000;

/** One more tile, of frame 1, that some nodes are to avoid. */
async function queueAvoided(farm: AgentFarm, record: JobRecord, tile: number, avoid: string[]) {
  const { jobId, plan } = record;
  const address = { jobId, frame: 1, tile, attempt: 1 };
  const region = { x0: 0, y0: 0, x1: 16, y1: 16 };
  const body = encodeMessage({ ...address, planId: plan.planId, region, avoid });
  await retryCall('queue', () => farm.bus.js.publish(farm.bus.names.tile(address), body));
}

/** A tile that somebody keeps and does not render goes to others when its lease has run out. */
const BEFORE_LEASE_ENDS_MS = (2 / 3) * TIMES.leaseMs;

/** So many deliveries of avoided tiles are allowed, also in each further second that a busy machine takes. */
const allowed = (deliveriesMax: number, tookMs: number) => deliveriesMax * Math.max(1, tookMs / 1_000);

/** How often tiles of the job were handed to anybody. */
async function deliveries(farm: AgentFarm, { jobId }: JobRecord): Promise<number> {
  const { names, jsm } = farm.bus;
  return (await jsm.consumers.info(names.tilesStream, names.consumer(jobId))).delivered.consumer_seq;
}

const resultsOf = async (farm: AgentFarm, record: JobRecord, frame: number) =>
  (await farm.results(record.jobId)).filter(({ meta }) => meta.frame === frame);

async function untilResults(farm: AgentFarm, record: JobRecord, frame: number, count: number) {
  let seen = 0;
  return waitUntil(
    async () => {
      const results = await resultsOf(farm, record, frame);
      seen = results.length;
      return seen >= count ? results : undefined;
    },
    { timeoutMs: TIMEOUT_MS, describe: () => `${count} results of frame ${frame}; there are ${seen}` },
  );
}

test('a node that is alone with a tile that it avoids asks ever more rarely, and another has it at once', async () => {
  await using farm = await startAgentFarm();
  const record = farm.job(farm.blobs.add(EMPTY));
  await farm.queue(record, 0, 32);
  await farm.startAgent();
  await farm.assign('node-1', [record]);
  await untilResults(farm, record, 0, 4);
  const before = await deliveries(farm, record);
  await queueAvoided(farm, record, 0, ['node-1']);
  await delay(5_000);
  const alone = (await deliveries(farm, record)) - before;
  expect(await resultsOf(farm, record, 1)).toEqual([]);
  expect(alone).toBeGreaterThan(0);
  expect(alone, 'deliveries in 5 s, the first pulls of a node with short tiles among them').toBeLessThan(60);
  await farm.startAgent({ nodeId: 'node-2' });
  const startMs = performance.now();
  await farm.assign('node-2', [record]);
  const [result] = await untilResults(farm, record, 1, 1);
  const tookMs = Math.round(performance.now() - startMs);
  expect(result!.meta).toMatchObject({ nodeId: 'node-2', attempt: 1, outcome: { kind: 'rendered' } });
  process.stdout.write(
    `avoided tile: ${alone} deliveries in 5 s to a node alone with it; another has it ${tookMs} ms after its assignment\n`,
  );
  expect(tookMs).toBeLessThan(BEFORE_LEASE_ENDS_MS);
});

test('tiles behind those that a node avoids reach it all the same', async () => {
  await using farm = await startAgentFarm();
  const record = farm.job(farm.blobs.add(EMPTY), { syntheticCostMs: 20 });
  await farm.queue(record, 2, 64);
  await farm.startAgent();
  await farm.assign('node-1', [record]);
  await untilResults(farm, record, 2, 1);
  for (const tile of [0, 1, 2, 3, 4]) await queueAvoided(farm, record, tile, ['node-1']);
  const startMs = performance.now();
  await farm.queue(record, 0, 8);
  await untilResults(farm, record, 0, 64);
  const tookMs = Math.round(performance.now() - startMs);
  const count = await deliveries(farm, record);
  process.stdout.write(`64 tiles of 20 ms behind 5 that are avoided: ${tookMs} ms, ${count} deliveries\n`);
  expect(tookMs, '640 ms of work for two slots').toBeLessThan(BEFORE_LEASE_ENDS_MS);
  expect(await resultsOf(farm, record, 1)).toEqual([]);
  expect(count).toBeLessThan(70 + allowed(150, tookMs));
});

test('a node that idles with open pulls does not keep tiles that it avoids from a busy one', async () => {
  await using farm = await startAgentFarm();
  const record = farm.job(farm.blobs.add(EMPTY), { syntheticCostMs: 50 });
  await farm.queue(record, 0, 32);
  await farm.startAgent();
  await farm.startAgent({ nodeId: 'node-2', slots: 1 });
  for (const nodeId of ['node-1', 'node-2']) await farm.assign(nodeId, [record]);
  await untilResults(farm, record, 0, 4);
  const before = await deliveries(farm, record);
  const startMs = performance.now();
  for (let tile = 0; tile < 20; tile++) await queueAvoided(farm, record, tile, ['node-1']);
  const results = await untilResults(farm, record, 1, 20);
  const tookMs = Math.round(performance.now() - startMs);
  expect(results.every(({ meta }) => meta.nodeId === 'node-2' && meta.attempt === 1)).toBe(true);
  const count = (await deliveries(farm, record)) - before;
  process.stdout.write(`20 tiles of 50 ms that the idle node avoids: ${tookMs} ms, ${count} deliveries\n`);
  expect(tookMs, 'one second of work for the one slot').toBeLessThan(BEFORE_LEASE_ENDS_MS);
  expect(count).toBeLessThan(20 + allowed(100, tookMs));
});

test('a node on which everything fails goes on slowly while nobody judges it, and at full speed once a tile succeeds', async () => {
  await using farm = await startAgentFarm();
  const fault = `guian-fault-${randomBytes(6).toString('hex')}`;
  const faultFile = join(tmpdir(), fault);
  await writeFile(faultFile, '');
  try {
    const scene = JSON.stringify({ failTiles: ['*'], failWhileFile: fault });
    const record = farm.job(farm.blobs.add({ 'a.json': scene }));
    await farm.queue(record, 0, 8);
    await farm.startAgent();
    await farm.assign('node-1', [record]);
    await untilResults(farm, record, 0, 3);
    await delay(4_000);
    const failed = await resultsOf(farm, record, 0);
    process.stdout.write(`a node on which everything fails: ${failed.length} of 64 tiles failed in 4 s\n`);
    expect(failed.length).toBeLessThan(12);
    await rm(faultFile);
    await untilResults(farm, record, 0, 64);
    const results = await resultsOf(farm, record, 0);
    expect(results.filter(({ meta }) => meta.outcome.kind === 'failed').length).toBeLessThan(12);
  } finally {
    await rm(faultFile, { force: true });
  }
});

test('a consumer that is deleted under a pull and made again is found again', async () => {
  await using farm = await startAgentFarm();
  const { names, jsm } = farm.bus;
  const record = farm.job(farm.blobs.add(EMPTY));
  await farm.queue(record, 0, 32);
  await farm.startAgent();
  await farm.assign('node-1', [record]);
  await untilResults(farm, record, 0, 4);
  const isPulling = async () =>
    (await jsm.consumers.info(names.tilesStream, names.consumer(record.jobId))).num_waiting > 0;
  await waitUntil(isPulling, { timeoutMs: TIMEOUT_MS, describe: 'a pull that is out' });
  await jsm.consumers.delete(names.tilesStream, names.consumer(record.jobId));
  await delay(1_000);
  const startMs = performance.now();
  await farm.queue(record, 2, 32);
  await untilResults(farm, record, 2, 4);
  expect(performance.now() - startMs).toBeLessThan(BEFORE_LEASE_ENDS_MS);
});
