/**
 * Somebody sets the clock of a machine in the middle of a job: times that are shown are as wrong as the clock, and that is
 * all. No node is lost, no tile is given up, no pixel differs; durations go by the clock that only goes forward.
 */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import { type CoordinatorClient, call, connectCoordinator } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import { farmCalls, spec } from '#tests/support/farm-calls.js';
import { type JumpingClocks, jumpingClocks } from '#tests/support/jumping-clock.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';
import { waitUntil } from '#tests/support/wait-until.js';

const HOUR_MS = 3_600_000;
/** Of a job whose first frame must not be over when the clock jumps. */
const FRAME_TILES = 12;
const TRIES = 5;
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

/** Three frames of twelve tiles; two agents of one slot. */
async function submitShot(waitMs: number): Promise<string> {
  const scene = Buffer.from(JSON.stringify({ costMs: 5, waitMs }));
  await studio.upload(scene);
  const digest = createHash('sha256').update(scene).digest('hex');
  const manifest = { entry: 's.json', files: [{ path: 's.json', digest, sizeBytes: scene.length }] };
  return (await studio.submit(spec({ manifest }))).job!.jobId;
}

const tilesDone = async (jobId: string) => (await studio.get(jobId)).progress!.tilesDone;
const done = (jobId: string, tiles: number) =>
  waitUntil(async () => (await tilesDone(jobId)) >= tiles, { describe: `${tiles} tiles` });

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
  studio = farmCalls({ client, bus });
  await waitUntil(async () => (await nodes()).length === 2, { describe: 'two nodes' });
  nodeIds = (await nodes()).map(({ nodeId }) => nodeId);
  const jobId = await submitShot(0);
  await studio.state(jobId, 'finished');
  wanted = await pixelDigests(studio, jobId);
});
afterEach(async () => {
  for (const part of ['coordinator', ...nodeIds]) clocks.set(part, 0);
  await studio.cancelAll();
});
afterAll(async () => {
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  clocks[Symbol.dispose]();
});

/** A job whose first frame is not over yet. */
async function begunShot(): Promise<string> {
  for (let tries = 0; ; tries++) {
    const jobId = await submitShot(100);
    await done(jobId, FRAME_TILES / 2);
    const tiles = await tilesDone(jobId);
    if (tiles < FRAME_TILES - 1) return jobId;
    expect(tries, `${tiles} tiles at the first look`).toBeLessThan(TRIES);
    await studio.ended(jobId);
  }
}

const jumpIsTold = async (jobId: string) =>
  (await studio.watch(jobId, 0, true)).some(({ atMs }) => Math.abs(atMs - Date.now()) > HOUR_MS / 2);

/** Jumps in the middle of the first frame, and back in the middle of the second one. */
async function rendersThrough(parts: readonly string[], offsetMs: number, meanwhile?: () => Promise<void>) {
  const jobId = await begunShot();
  // A watch does not outlive its coordinator.
  const watching = meanwhile ? undefined : studio.watch(jobId);
  for (const part of parts) clocks.set(part, offsetMs);
  await meanwhile?.();
  await done(jobId, 1.5 * FRAME_TILES);
  if (parts.includes('coordinator'))
    await waitUntil(() => jumpIsTold(jobId), { describe: 'an event of the other time' });
  expect((await nodes()).map(({ state }) => state)).toEqual(['ready', 'ready']);
  for (const part of parts) clocks.set(part, 0);
  const kept = await studio.ended(jobId);
  expect((await watching)?.at(-1)?.kind ?? 'finished').toBe('finished');
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
        { describe: 'the coordinator and its nodes' },
      );
    });
  });

  it('when an agent is started again by a clock that is an hour slow, or in 1970: it has its place at once', async () => {
    const [nodeId] = nodeIds as [string];
    for (const offsetMs of [-HOUR_MS, TO_1970_MS]) {
      clocks.set(nodeId, offsetMs);
      const jobId = await submitShot(100);
      await done(jobId, 6);
      await farm.agents[0]!.crash();
      await studio.state(jobId, 'finished');
      // The job may have ended before it is back.
      await waitUntil(
        async () => {
          const node = (await nodes()).find((one) => one.nodeId === nodeId);
          return node?.state === 'ready' && node.startedAtMs < Date.now() + offsetMs / 2;
        },
        { describe: 'the agent, with the time of its clock' },
      );
      expect(await pixelDigests(studio, jobId)).toEqual(wanted);
      await studio.cleared(jobId);
    }
  });
});
