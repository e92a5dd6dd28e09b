/**
 * One of three agents, real processes, fails every tile that it gets, for a fault of its machine: jobs finish on the
 * others with the right pixels, the node is blocked, after two studios quarantined, and forgiven with time.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import { farmCalls, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

const TEST_MS = 300_000;
/** How long the coordinator is started again before what the node did is forgiven. */
const FORGIVEN_SOON_MS = 3_000;
const TRIES = 5;
const FAULT = `guian-fault-${randomBytes(6).toString('hex')}`;
/** Of the bad node's machine alone: its temporary folder. */
const badTmp = mkdtempSync(join(tmpdir(), 'guian-bad-node-'));
/** Every tile of 32 px in 100 × 70. */
const TILES = [0, 32, 64, 96].flatMap((x) => [0, 32, 64].map((y) => `${x},${y}`));
const SCENE = Buffer.from(JSON.stringify({ costMs: 0, waitMs: 100, failTiles: TILES, failWhileFile: FAULT }));

let farm: Farm;
let bus: Bus;
let client: CoordinatorClient;
let studio: ReturnType<typeof farmCalls>;
let badNode: string;
let wanted: string[];

async function submitFor(name: string): Promise<string> {
  const digest = createHash('sha256').update(SCENE).digest('hex');
  const files = [{ path: 's.json', digest, sizeBytes: SCENE.length }];
  return (await studio.submit(spec({ studio: name, manifest: { entry: 's.json', files } }))).job!.jobId;
}

const nodes = async () =>
  (
    await call<ListNodesResponse__Output>(client, (options, done) =>
      client.nodes.list({}, options, done as never),
    )
  ).nodes;
const bad = async () => (await nodes()).find(({ nodeId }) => nodeId === badNode)!;

beforeAll(async () => {
  farm = await startFarm({ agents: 3, slots: 1, onNotice: () => undefined });
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
  client = connectCoordinator(farm.coordinatorAddress);
  studio = farmCalls({ client, bus });
  await studio.upload(SCENE);
  const jobId = await submitFor('studio-0');
  await studio.state(jobId, 'finished');
  wanted = await pixelDigests(studio, jobId);
  // Its machine goes bad.
  badNode = farm.agents[0]!.name.replace('agent ', '');
  await farm.agents[0]!.stop();
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = badTmp;
  writeFileSync(join(badTmp, FAULT), '');
  await farm.agents[0]!.start();
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  await waitUntil(async () => (await bad())?.state === 'ready' && (await nodes()).length === 3, {
    describe: 'three nodes',
  });
});
afterAll(async () => {
  delete process.env['GUIAN_FORGIVE_AFTER'];
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  rmSync(badTmp, { recursive: true, force: true });
});

/** The job's events, once it has finished as if there were no bad node. */
async function finishes(jobId: string) {
  const events = await studio.ended(jobId);
  expect(await pixelDigests(studio, jobId)).toEqual(wanted);
  expect((await studio.get(jobId)).progress).toMatchObject({ tilesFailed: 0, tilesDone: 36 });
  await studio.cleared(jobId);
  return events;
}

it(
  'a node that fails everything costs its jobs a few attempts and no tile, and is shut out until it is forgiven',
  async () => {
    const beganAtMs = Date.now();
    const first = await finishes(await submitFor('studio-1'));
    const failures = first.filter(({ kind }) => kind === 'attempt_failed');
    expect(new Set(failures.map(({ nodeId }) => nodeId))).toEqual(new Set([badNode]));
    expect(first.filter(({ kind }) => kind === 'node_blocked').map(({ nodeId }) => nodeId)).toEqual([
      badNode,
    ]);
    // A tile comes back to a node that failed it only where nobody else is.
    const tries = failures.map(({ frame, tile, nodeId }) => `${frame}/${tile} ${nodeId}`);
    expect(new Set(tries).size).toBe(tries.length);
    expect(failures.length, 'blocked after a few').toBeLessThan(10);

    const second = await finishes(await submitFor('studio-2'));
    expect(second.map(({ kind }) => kind)).toContain('node_quarantined');
    expect(await bad()).toMatchObject({ state: 'quarantined', reason: expect.stringContaining('2 studios') });

    const third = await finishes(await submitFor('studio-3'));
    expect(third.map(({ kind }) => kind)).not.toContain('attempt_failed');

    // Somebody mends it; time alone brings it back: so much of it that a coordinator can be started again meanwhile.
    rmSync(join(badTmp, FAULT));
    const forgiveAfterMs = Date.now() - beganAtMs + FORGIVEN_SOON_MS;
    await farm.coordinator.stop();
    process.env['GUIAN_FORGIVE_AFTER'] = `${forgiveAfterMs}ms`;
    await farm.coordinator.start();
    await waitUntil(async () => (await bad())?.state === 'ready', { describe: 'forgiveness' });
    expect(Date.now() - beganAtMs, 'not before its time').toBeGreaterThan(forgiveAfterMs);
    // It may be slow to begin, on a busy machine.
    for (let tries = 0; ; tries++) {
      const jobId = await submitFor('studio-1');
      const last = await finishes(jobId);
      expect(last.map(({ kind }) => kind)).not.toContain('attempt_failed');
      const renderedBy = (await studio.frames(jobId)).flatMap(({ nodeIds }) => nodeIds);
      if (renderedBy.includes(badNode)) break;
      expect(tries, `jobs without the forgiven node, the last by ${renderedBy}`).toBeLessThan(TRIES);
    }
  },
  TEST_MS,
);
