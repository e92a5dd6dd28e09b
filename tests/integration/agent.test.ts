import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { syntheticTile } from '#node-agent/renderers/synthetic/renderer.js';
import { decodeMessage, heartbeatSchema, type ResultMeta } from '#shared/bus/messages.js';
import type { JobRecord } from '#shared/domain/job.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { TIMES } from '#shared/limits.js';
import { type AgentFarm, endJob, startAgentFarm } from '#tests/support/agent-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** Of a wait that only ends in vain when the thing never comes, a lease that must run out included. */
const TIMEOUT_MS = 90_000;

const rendered = (results: { meta: ResultMeta }[]) =>
  new Set(
    results
      .filter(({ meta }) => meta.outcome.kind === 'rendered')
      .map(({ meta }) => `${meta.frame}/${meta.tile}`),
  );

async function untilTiles(farm: AgentFarm, record: JobRecord, count: number, timeoutMs = TIMEOUT_MS) {
  let seen = 0;
  await waitUntil(
    async () => {
      seen = rendered(await farm.results(record.jobId)).size;
      return seen >= count;
    },
    { timeoutMs, describe: () => `${seen} of ${count} tiles` },
  );
  return farm.results(record.jobId);
}

const queueSize = async (farm: AgentFarm) =>
  (await farm.bus.jsm.streams.info(farm.bus.names.tilesStream)).state.messages;

describe('a node agent', () => {
  test('renders the tiles of two assigned jobs, bit for bit, and empties the queue', async () => {
    await using farm = await startAgentFarm();
    const manifest = farm.blobs.add({ 'a.json': '{}' });
    const one = farm.job(manifest, { seed: 7, layers: ['beauty', 'depth', 'normal', 'albedo'] });
    const two = farm.job(manifest, { seed: 8 });
    await farm.queue(one, 0, 16);
    await farm.queue(one, 1, 24);
    await farm.queue(two, 0, 16);
    await farm.startAgent();
    await farm.assign('node-1', [one, two]);
    for (const { meta, bytes } of await untilTiles(farm, one, 16 + 9)) {
      const tilePx = meta.frame === 0 ? 16 : 24;
      const columns = Math.ceil(64 / tilePx);
      const [x0, y0] = [(meta.tile % columns) * tilePx, Math.floor(meta.tile / columns) * tilePx];
      const region = { x0, y0, x1: Math.min(x0 + tilePx, 64), y1: Math.min(y0 + tilePx, 64) };
      const layers = syntheticTile(one.settings, meta.frame, region);
      const expected = encodeTile(layers, region.x1 - x0, region.y1 - y0);
      expect(Buffer.compare(bytes, expected), `tile ${meta.frame}/${meta.tile}`).toBe(0);
      expect(meta.outcome).toMatchObject({
        digest: createHash('sha256').update(bytes).digest('hex'),
        sizeBytes: bytes.length,
      });
      expect(meta).toMatchObject({ nodeId: 'node-1', renderer: 'synthetic 1.0.0', planId: one.plan.planId });
    }
    await untilTiles(farm, two, 16);
    await waitUntil(async () => (await queueSize(farm)) === 0, {
      timeoutMs: TIMEOUT_MS,
      describe: 'empty queue',
    });
  });

  test('splits a tile of several megabytes into parts that make it up', async () => {
    await using farm = await startAgentFarm();
    const record = farm.job(farm.blobs.add({ 'a.json': '{}' }), {
      widthPx: 800,
      heightPx: 800,
      layers: ['beauty', 'depth'],
    });
    await farm.queue(record, 0, 800);
    await farm.startAgent();
    await farm.assign('node-1', [record]);
    const parts = await waitUntil(
      async () => {
        const all = await farm.results(record.jobId);
        return all.length > 0 && all.length === all[0]!.meta.partCount ? all : undefined;
      },
      { timeoutMs: TIMEOUT_MS, describe: 'all parts' },
    );
    expect(parts.length).toBeGreaterThan(2);
    parts.sort((a, b) => a.meta.part - b.meta.part);
    const whole = Buffer.concat(parts.map((part) => part.bytes));
    const layers = syntheticTile(record.settings, 0, { x0: 0, y0: 0, x1: 800, y1: 800 });
    expect(Buffer.compare(whole, encodeTile(layers, 800, 800))).toBe(0);
  });

  test('loses nothing when nats-server is killed in the middle', async () => {
    await using farm = await startAgentFarm();
    const record = farm.job(farm.blobs.add({ 'a.json': '{}' }), { syntheticCostMs: 10, widthPx: 256 });
    const count = await farm.queue(record, 0, 8);
    await farm.startAgent();
    await farm.assign('node-1', [record]);
    await untilTiles(farm, record, 20);
    await farm.restartNats();
    const results = await untilTiles(farm, record, count);
    expect(rendered(results).size).toBe(count);
    expect(results.length, 'each result is stored once').toBe(count);
  });

  test('starts before the coordinator has set anything up, and survives a bucket made anew', async () => {
    await using farm = await startAgentFarm();
    const { names, jsm, kvm } = farm.bus;
    await jsm.streams.delete(`KV_${names.assignmentsBucket}`);
    await farm.startAgent();
    const record = farm.job(farm.blobs.add({ 'a.json': '{}' }));
    await farm.queue(record, 0, 16);
    await kvm.create(names.assignmentsBucket, { history: 1 });
    await farm.assign('node-1', [record]);
    await untilTiles(farm, record, 16);
    await jsm.streams.delete(`KV_${names.assignmentsBucket}`);
    await kvm.create(names.assignmentsBucket, { history: 1 });
    const next = farm.job(record.manifest);
    await farm.queue(next, 0, 16);
    await farm.assign('node-1', [next]);
    await untilTiles(farm, next, 16);
  });

  test('a job that leaves the assignment is aborted at once, and its tiles are handed back', async () => {
    await using farm = await startAgentFarm();
    const long = farm.job(farm.blobs.add({ 'a.json': '{"costMs": 60000}' }));
    await farm.queue(long, 0, 32);
    const beats = heartbeats(farm);
    await farm.startAgent();
    await farm.assign('node-1', [long]);
    await waitUntil(() => beats.last()?.slotsBusy === 2, { timeoutMs: TIMEOUT_MS, describe: 'busy slots' });
    const short = farm.job(farm.blobs.add({ 'b.json': '{}' }));
    await farm.queue(short, 0, 64);
    // Its package is brought first, so that what is measured is the abort.
    await farm.assign('node-1', [long, short]);
    await waitUntil(() => beats.last()?.jobIds.length === 2, { timeoutMs: TIMEOUT_MS, describe: 'two jobs' });
    await farm.assign('node-1', [short]);
    await untilTiles(farm, short, 1);
    // By the server's clock, so that it does not matter when this test looks.
    const tookMs = (await firstResultAtMs(farm, short)) - (await assignedAtMs(farm, 'node-1'));
    process.stdout.write(
      `a tile of another job is done ${tookMs} ms after the assignment without the first\n`,
    );
    expect(tookMs, 'some 20 ms where nothing else runs').toBeLessThan(1_000);
    const consumer = await farm.bus.js.consumers.get(farm.bus.names.tilesStream, long.jobId);
    const handedBack = await consumer.fetch({ max_messages: 4, expires: TIMES.leaseMs / 2 });
    let count = 0;
    for await (const message of handedBack) {
      message.working();
      count++;
    }
    expect(count, 'tiles at hand long before their leases end').toBe(4);
    expect(await farm.results(long.jobId)).toEqual([]);
    await endJob(farm, long.jobId);
  });

  test('close lets running tiles finish, hands back the rest and says goodbye', async () => {
    await using farm = await startAgentFarm();
    // About 5 s of work, so that most of it is left when this test sees that it has begun.
    const record = farm.job(farm.blobs.add({ 'a.json': '{"costMs": 300}' }), { widthPx: 128 });
    const count = await farm.queue(record, 0, 16);
    const beats = heartbeats(farm);
    const agent = await farm.startAgent();
    await farm.assign('node-1', [record]);
    await waitUntil(() => beats.last()?.slotsBusy === 2, { timeoutMs: TIMEOUT_MS, describe: 'busy slots' });
    const before = (await farm.results(record.jobId)).length;
    await agent.close();
    const done = (await farm.results(record.jobId)).length;
    expect(done).toBeGreaterThanOrEqual(before + 2);
    expect(beats.last()).toMatchObject({ leaving: true });
    await waitUntil(async () => (await queueSize(farm)) === count - done, {
      timeoutMs: TIMEOUT_MS,
      describe: `${count - done} tiles in the queue`,
    });
    // Nothing waits for a lease to run out: another agent has the rest long before that.
    const startMs = performance.now();
    await farm.assign('node-2', [record]);
    await farm.startAgent({ nodeId: 'node-2' });
    await untilTiles(farm, record, count);
    expect(performance.now() - startMs).toBeLessThan((2 / 3) * TIMES.leaseMs);
  });

  test('failing, crashing and exiting tiles are failed attempts, and the others are rendered', async () => {
    await using farm = await startAgentFarm();
    const scene = { failTiles: ['0,0'], crashTiles: ['16,0'], exitTiles: ['32,0'] };
    const record = farm.job(farm.blobs.add({ 'a.json': JSON.stringify(scene) }));
    await farm.queue(record, 0, 16);
    await farm.startAgent();
    await farm.assign('node-1', [record]);
    const results = await untilTiles(farm, record, 13);
    const failed = await waitUntil(
      async () => {
        const all = (await farm.results(record.jobId)).filter(({ meta }) => meta.outcome.kind === 'failed');
        return all.length === 3 ? all : undefined;
      },
      { timeoutMs: TIMEOUT_MS, describe: '3 failed attempts' },
    );
    expect(failed.map(({ meta }) => meta.tile).sort()).toEqual([0, 1, 2]);
    for (const { meta } of failed)
      expect(meta.outcome).toMatchObject({ code: 'RENDER_FAILED', permanent: false });
    expect(rendered(results).size).toBe(13);
  });

  test('a scene that no node can render is a permanent failure', async () => {
    await using farm = await startAgentFarm();
    const record = farm.job(farm.blobs.add({ 'a.json': '{"costMs": "much"}' }));
    await farm.queue(record, 0, 64);
    await farm.startAgent();
    await farm.assign('node-1', [record]);
    const [result] = await waitUntil(
      async () => {
        const all = await farm.results(record.jobId);
        return all.length > 0 ? all : undefined;
      },
      { timeoutMs: TIMEOUT_MS, describe: 'a failed attempt' },
    );
    expect(result!.meta.outcome).toMatchObject({ kind: 'failed', code: 'SCENE_INVALID', permanent: true });
  });
});

async function firstResultAtMs(farm: AgentFarm, { jobId }: JobRecord): Promise<number> {
  const { names, jsm } = farm.bus;
  const query = { seq: 1, next_by_subj: names.resultsOfJob(jobId) };
  return (await jsm.streams.getMessage(names.resultsStream, query))!.time.getTime();
}

async function assignedAtMs(farm: AgentFarm, nodeId: string): Promise<number> {
  const kv = await farm.bus.kvm.open(farm.bus.names.assignmentsBucket);
  return (await kv.get(nodeId))!.created.getTime();
}

function heartbeats(farm: AgentFarm) {
  const all: ReturnType<typeof heartbeatSchema.parse>[] = [];
  farm.bus.connection.subscribe(farm.bus.names.heartbeatsAll, {
    callback: (error, message) => {
      if (!error) all.push(decodeMessage(heartbeatSchema, message.data, 'heartbeat'));
    },
  });
  return { last: () => all.at(-1) };
}
