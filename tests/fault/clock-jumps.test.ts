/**
 * Somebody sets the clock of a machine in the middle of a job: times that are shown are as wrong as the clock, and that is
 * all. No node is lost, no tile is given up, no pixel differs; durations go by the clock that only goes forward.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import type { CoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { type JumpingClocks, jumpingClocks } from '#tests/support/jumping-clock.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 30_000;
const TO_1970_MS = 10_000 - Date.now();
/** Beyond what 32 bits of seconds hold. */
const TO_2040_MS = Date.UTC(2040, 0) - Date.now();

let clocks: JumpingClocks;
let farm: Farm;
let bus: Bus;
let client: CoordinatorClient;
let studio: ReturnType<typeof farmCalls>;
let nodeIds: string[];
let wanted: string[];

/** 36 tiles; two agents of one slot. */
async function submitShot(costMsPerTile: number): Promise<string> {
  const settings = { ...spec().settings, synthetic: { costMsPerTile } };
  return (await studio.submit(spec({ settings }))).job!.jobId;
}

const nodes = async () =>
  (
    await call<ListNodesResponse__Output>(client, (options, done) =>
      client.nodes.list({}, options, done as never),
    )
  ).nodes;

beforeAll(async () => {
  clocks = jumpingClocks();
  farm = await startFarm({ agents: 2, slots: 1, onNotice: () => undefined });
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
  client = connectCoordinator(farm.coordinatorAddress);
  studio = farmCalls({ client, bus } as CoordinatorFarm);
  await waitUntil(async () => (await nodes()).length === 2, { timeoutMs: TIMEOUT_MS, describe: 'two nodes' });
  nodeIds = (await nodes()).map(({ nodeId }) => nodeId);
  await studio.upload(SCENE);
  const jobId = await submitShot(0);
  await studio.state(jobId, 'finished');
  wanted = await pixelDigests(studio, jobId);
});
afterAll(async () => {
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  clocks[Symbol.dispose]();
});

/** Jumps when six tiles are done, and back when eighteen are. */
async function rendersThrough(parts: readonly string[], offsetMs: number, meanwhile?: () => Promise<void>) {
  const jobId = await submitShot(100);
  // A watch does not outlive its coordinator.
  const watching = meanwhile ? undefined : studio.watch(jobId);
  const done = (tiles: number) =>
    waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone >= tiles, {
      timeoutMs: TIMEOUT_MS,
      describe: `${tiles} tiles`,
    });
  try {
    await done(6);
    for (const part of parts) clocks.set(part, offsetMs);
    await meanwhile?.();
    await done(18);
    expect((await nodes()).map(({ state }) => state)).toEqual(['ready', 'ready']);
  } finally {
    for (const part of parts) clocks.set(part, 0);
  }
  await studio.state(jobId, 'finished');
  const events = (await watching) ?? (await studio.watch(jobId));
  const kept = events.filter(({ sequence }) => sequence > 0);
  expect(kept.map(({ sequence }) => sequence)).toEqual(
    kept.map(({ sequence }) => sequence).sort((a, b) => a - b),
  );
  const kinds = kept.map(({ kind }) => kind);
  for (const kind of ['node_lost', 'attempt_failed', 'result_rejected', 'tile_failed'])
    expect(kinds, JSON.stringify(kept)).not.toContain(kind);
  expect(kinds.filter((kind) => kind === 'frame_finished')).toHaveLength(3);
  expect(kinds.at(-1)).toBe('finished');
  const job = await studio.get(jobId);
  expect(job).toMatchObject({ state: 'finished', progress: { framesFinished: 3, tilesDone: 36 } });
  for (const frame of await studio.frames(jobId)) expect(frame.coreSeconds).toBeGreaterThan(0);
  expect(await pixelDigests(studio, jobId)).toEqual(wanted);
  await studio.cleared(jobId);
  return { jobId, kept };
}

const JUMPS = [
  ['an hour ahead', HOUR_MS],
  ['an hour back', -HOUR_MS],
  ['to 1970', TO_1970_MS],
  ['to 2040', TO_2040_MS],
] as const;

describe('a job renders on and loses no node', () => {
  it.each(JUMPS)('when the clock of the coordinator jumps %s, and back', async (_where, offsetMs) => {
    const { kept } = await rendersThrough(['coordinator'], offsetMs);
    // The jump was there: events tell of it, in the order of what happened.
    const times = kept.map(({ atMs }) => atMs);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(HOUR_MS / 2);
  });

  it.each(JUMPS)('when the clocks of all agents jump %s, and back', async (_where, offsetMs) => {
    await rendersThrough(nodeIds, offsetMs);
  });

  it('when the coordinator is started again by a clock that an hour ago was right', async () => {
    await rendersThrough(['coordinator'], -HOUR_MS, async () => {
      await farm.coordinator.crash();
      await waitUntil(
        () =>
          nodes().then(
            (all) => all.length === 2,
            () => false,
          ),
        { timeoutMs: TIMEOUT_MS, describe: 'the coordinator and its nodes' },
      );
    });
  });

  it('when an agent is started again by a clock that is an hour slow, or in 1970: it has its place at once', async () => {
    const [nodeId] = nodeIds as [string];
    for (const offsetMs of [-HOUR_MS, TO_1970_MS]) {
      clocks.set(nodeId, offsetMs);
      const jobId = await submitShot(100);
      await waitUntil(async () => (await studio.get(jobId)).progress!.tilesDone >= 6, {
        timeoutMs: TIMEOUT_MS,
        describe: 'six tiles',
      });
      await farm.agents[0]!.crash();
      await studio.state(jobId, 'finished');
      // The job may have ended before it is back.
      await waitUntil(
        async () => {
          const node = (await nodes()).find((one) => one.nodeId === nodeId);
          return node?.state === 'ready' && node.startedAtMs < Date.now() + offsetMs / 2;
        },
        { timeoutMs: TIMEOUT_MS, describe: 'the agent, with the time of its clock' },
      );
      expect(await pixelDigests(studio, jobId)).toEqual(wanted);
      await studio.cleared(jobId);
    }
    clocks.set(nodeId, 0);
  });
});
