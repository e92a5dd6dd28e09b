/** Agents that are told to stop under load, as real processes: what is done by then counts, what is not goes to others unspent. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { type Bus, connectBus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  type Heartbeat,
  heartbeatSchema,
  RESULT_HEADER,
  type ResultMeta,
  resultMetaSchema,
} from '#shared/bus/messages.js';
import { type CoordinatorClient, connectCoordinator } from '#shared/wire/coordinator-client.js';
import { startGuian, testFolder } from '#tests/integration/cli-program.js';
import { farmCalls } from '#tests/support/farm-calls.js';
import { expectWholeJob, type FaultJob, type JobFarm, submitFaultJob } from '#tests/support/fault-job.js';
import { type HeldTiles, heldTiles } from '#tests/support/held-tiles.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import { waitUntil } from '#tests/support/wait-until.js';

const GRACE_MS = 3_000;
/** What a busy machine may add to a time that is kept to. */
const SLACK_MS = 5_000;

let farm: Farm;
let bus: Bus;
let client: CoordinatorClient;
let jobs: JobFarm;
let folder: ReturnType<typeof testFolder>;
/** Of the second agent. */
let held: HeldTiles;
const results: ResultMeta[] = [];
const beats: { readonly beat: Heartbeat; readonly atMs: number }[] = [];

const stopping = () => farm.agents[1]!;

beforeAll(async () => {
  folder = testFolder();
  held = heldTiles();
  farm = await startFarm({ agents: 2, slots: 2, graceMs: GRACE_MS, onNotice: () => undefined });
  client = connectCoordinator(farm.coordinatorAddress);
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
  jobs = { studio: farmCalls({ client, bus }), storeDir: join(farm.dir, 'store') };
  // Subjects of a stream can be listened to like any other.
  bus.connection.subscribe(bus.names.resultsAll, {
    callback: (error, message) => {
      if (error) return;
      results.push(decodeMessage(resultMetaSchema, message.headers!.get(RESULT_HEADER), 'result'));
    },
  });
  bus.connection.subscribe(bus.names.heartbeatsAll, {
    callback: (error, message) => {
      if (error) return;
      const beat = decodeMessage(heartbeatSchema, message.data, 'heartbeat');
      beats.push({ beat, atMs: performance.now() });
    },
  });
  await stopping().stop();
  await held.startHolder(stopping());
});
afterEach(async () => {
  held.release();
  await jobs.studio.cancelAll();
  await stopping().stop();
  await held.startHolder(stopping());
});
afterAll(async () => {
  client?.close();
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  held?.[Symbol.dispose]();
  folder?.[Symbol.dispose]();
});

/** One frame of 16 px tiles. */
async function startJob(widthPx: number, heightPx: number, costMs: number, holder = held) {
  results.length = 0;
  beats.length = 0;
  const job: FaultJob = {
    ...{ frames: 1, widthPx, heightPx, tilePx: 16, costMs, layers: ['beauty'], scene: holder.scene },
  };
  const jobId = await submitFaultJob(jobs, job);
  return { ended: () => expectWholeJob(jobs, jobId, job) };
}

/** Every tile has exactly one result, of its first attempt. */
async function expectOnceEach(tiles: number): Promise<void> {
  await waitUntil(() => results.length >= tiles, {
    describe: () => `${tiles} results, not ${results.length}`,
  });
  const named = results.map(({ tile, attempt, outcome }) => `${tile}/${attempt} ${outcome.kind}`);
  expect(named.sort()).toEqual(Array.from({ length: tiles }, (_, tile) => `${tile}/1 rendered`).sort());
}

const lastBeat = (nodeId: string) => beats.findLast(({ beat }) => beat.nodeId === nodeId)?.beat;
const renderingOf = (nodeId: string) =>
  lastBeat(nodeId)?.inHand.reduce((sum, { rendering }) => sum + (rendering ?? 0), 0) ?? 0;
const untilRendering = (nodeId: string, count: number) =>
  waitUntil(
    () => {
      // By themselves heartbeats come once a second.
      bus.connection.publish(bus.names.rollCall);
      return renderingOf(nodeId) === count;
    },
    { describe: () => `${count} tiles rendering at ${nodeId}: ${JSON.stringify(lastBeat(nodeId))}` },
  );
const nodeIdOf = (index: number) => farm.agents[index]!.name.replace('agent ', '');

async function nodesAreReady(count: number): Promise<void> {
  let seen: string[] = [];
  await waitUntil(
    async () => {
      const nodes = await jobs.studio.nodes();
      seen = nodes.map(({ nodeId, state }) => `${nodeId} ${state}`);
      return nodes.filter(({ state }) => state === 'ready').length === count;
    },
    { describe: () => `${count} nodes ready: ${seen}` },
  );
}

/** What is handed back while every other slot is busy may be given away once more, in no node's name. */
const lostNodes = (events: Awaited<ReturnType<typeof expectWholeJob>>) =>
  events.filter(({ kind, nodeId }) => kind === 'node_lost' && nodeId !== '').map(({ nodeId }) => nodeId);

it('tiles that take less than the grace are finished, the rest goes to the other node, none is rendered twice', async () => {
  await nodesAreReady(2);
  const job = await startJob(96, 64, 400);
  const nodeId = nodeIdOf(1);
  await untilRendering(nodeId, 2);
  const doneBefore = results.filter((result) => result.nodeId === nodeId).length;
  const startMs = performance.now();
  await stopping().stop();
  const tookMs = Math.round(performance.now() - startMs);
  const events = await job.ended();
  await expectOnceEach(24);
  const done = results.filter((result) => result.nodeId === nodeId).length - doneBefore;
  expect(done, 'tiles that rendered when it was told to stop').toBeGreaterThanOrEqual(1);
  expect(tookMs).toBeLessThan(GRACE_MS + SLACK_MS);
  expect(lostNodes(events)).toEqual([]);
  const log = readFileSync(stopping().logFile, 'utf8');
  expect(log).toMatch(/guian: stopping: \d tiles render/);
  expect(log).not.toContain('grace is over');
  process.stdout.write(`SIGTERM → gone: ${tookMs} ms, ${done} tiles of 400 ms finished meanwhile\n`);
});

it('tiles that take longer than the grace are handed back when it is over, and rendered by the other node under the same attempt', async () => {
  await nodesAreReady(2);
  held.hold();
  const job = await startJob(96, 64, 600);
  // The other one has enough to do for longer than the grace: with nothing to do it would copy what is held.
  const nodeId = nodeIdOf(1);
  await untilRendering(nodeId, 2);
  const startMs = performance.now();
  await stopping().stop();
  const goneMs = Math.round(performance.now() - startMs);
  const ofNode = () => beats.filter(({ beat, atMs }) => beat.nodeId === nodeId && atMs >= startMs);
  const leaving = await waitUntil(() => ofNode().find(({ beat }) => beat.leaving), {
    describe: 'its last heartbeat',
  });
  const leftMs = Math.round(leaving.atMs - startMs);
  expect(leaving.beat).toMatchObject({ inHand: [], draining: true });
  expect(ofNode().filter(({ beat }) => beat.draining).length, 'it is seen to drain').toBeGreaterThan(1);
  expect(leftMs).toBeGreaterThanOrEqual(GRACE_MS - 50);
  expect(leftMs).toBeLessThan(GRACE_MS + SLACK_MS);
  const events = await job.ended();
  await expectOnceEach(24);
  expect(results.every((result) => result.nodeId === nodeIdOf(0))).toBe(true);
  expect(lostNodes(events)).toEqual([]);
  process.stdout.write(
    `grace ${GRACE_MS} ms; tiles handed back after ${leftMs} ms, gone after ${goneMs} ms\n`,
  );
});

it('a second signal ends an agent at once, and its tiles are rendered by others', async () => {
  await nodesAreReady(2);
  const addresses = ['--nats', farm.natsUrl, '--coordinator', farm.coordinatorAddress];
  const thirdHeld = heldTiles();
  const third = startGuian(
    ['agent', '--node-id', 'third', '--slots', '2', '--cache', folder.tmp, ...NO_PROGRAMS, ...addresses],
    folder,
    { TMPDIR: thirdHeld.tmp },
  );
  try {
    await nodesAreReady(3);
    thirdHeld.hold();
    const job = await startJob(64, 64, 1_500, thirdHeld);
    await untilRendering('third', 2);
    third.child.kill('SIGTERM');
    await waitUntil(() => lastBeat('third')?.draining, { describe: 'draining' });
    // It would have 30 s.
    const startMs = performance.now();
    third.child.kill('SIGTERM');
    expect(await third.ended).toMatchObject({ code: 130 });
    expect(performance.now() - startMs).toBeLessThan(SLACK_MS);
    const events = await job.ended();
    await expectOnceEach(16);
    expect(results.some((result) => result.nodeId === 'third')).toBe(false);
    expect(lostNodes(events)).toContain('third');
  } finally {
    third.child.kill('SIGKILL');
    thirdHeld[Symbol.dispose]();
  }
});

it('nothing of an agent outlives SIGKILL: no thread, no child', async () => {
  await nodesAreReady(2);
  held.hold();
  const job = await startJob(48, 32, 500);
  await untilRendering(nodeIdOf(1), 2);
  const pid = stopping().pid!;
  const threads = readdirSync(`/proc/${pid}/task`).length;
  expect(processesOf(pid), 'it works in threads alone').toEqual([pid]);
  await stopping().crash();
  await waitUntil(() => processesOf(pid).length === 0, {
    describe: () => `nothing left of the ${threads} threads: ${processesOf(pid)}`,
  });
  await job.ended();
  await nodesAreReady(2);
});

/** Processes of an agent's group and its children, from /proc. The agents of a farm lead a group of their own. */
function processesOf(agent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
        const [state, parent, group] = [fields[0], Number(fields[1]), Number(fields[2])];
        return state !== 'Z' && (pid === agent || parent === agent || group === agent);
      } catch {
        return false;
      }
    });
}
