/** Agents that are told to stop under load, as real processes: what is done by then counts, what is not goes to others unspent. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
import { guian, startGuian, testFolder } from '#tests/integration/cli-program.js';
import { waitUntil } from '#tests/support/wait-until.js';

const GRACE_MS = 1_500;
const TEST_MS = 90_000;

let farm: Farm;
let bus: Bus;
let folder: ReturnType<typeof testFolder>;
const results: ResultMeta[] = [];
const beats: { readonly beat: Heartbeat; readonly atMs: number }[] = [];

beforeAll(async () => {
  farm = await startFarm({ agents: 2, slots: 2, graceMs: GRACE_MS, onNotice: () => undefined });
  folder = testFolder();
  bus = await connectBus(farm.natsUrl, 'guian', 'test');
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
});
afterAll(async () => {
  await bus?.[Symbol.asyncDispose]();
  await farm?.stop();
  folder?.[Symbol.dispose]();
});

/** A job of 16 px tiles. */
function startJob(size: string, costMs: number) {
  const shot = ['--renderer', 'synthetic', '--size', size, '--tile', '16', '--cost', String(costMs)];
  const args = ['render', ...shot, '--format', 'exr', '--name', 'shot', '--json', '--out', folder.work];
  results.length = 0;
  beats.length = 0;
  const program = startGuian([...args, '--coordinator', farm.coordinatorAddress], folder);
  const eventsOfKind = (kind: string) =>
    program
      .output()
      .stdout.split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as { kind: string; message: string; nodeId: string })
      .filter((event) => event.kind === kind);
  return { program, eventsOfKind };
}

/** Every tile has exactly one result, of its first attempt. */
function expectOnceEach(tiles: number): void {
  const named = results.map(({ tile, attempt, outcome }) => `${tile}/${attempt} ${outcome.kind}`);
  expect(named.sort()).toEqual(Array.from({ length: tiles }, (_, tile) => `${tile}/1 rendered`).sort());
}

const lastBeat = (nodeId: string) => beats.findLast(({ beat }) => beat.nodeId === nodeId)?.beat;
const renderingOf = (nodeId: string) =>
  lastBeat(nodeId)?.inHand.reduce((sum, { rendering }) => sum + (rendering ?? 0), 0) ?? 0;
const untilRendering = (nodeId: string, count: number) =>
  waitUntil(() => renderingOf(nodeId) === count, {
    timeoutMs: 20_000,
    describe: () => `${count} tiles rendering at ${nodeId}: ${JSON.stringify(lastBeat(nodeId))}`,
  });
const nodeIdOf = (index: number) => farm.agents[index]!.name.replace('agent ', '');

async function nodesAreReady(count: number): Promise<void> {
  let seen = '';
  await waitUntil(
    async () => {
      seen = (await guian(['nodes', '--json', '--coordinator', farm.coordinatorAddress], folder)).stdout;
      return (
        (JSON.parse(seen) as { state: string }[]).filter(({ state }) => state === 'ready').length === count
      );
    },
    { timeoutMs: 15_000, describe: () => `${count} nodes ready: ${seen}` },
  );
}

it(
  'tiles that take less than the grace are finished, the rest goes to the other node, none is rendered twice',
  async () => {
    await nodesAreReady(2);
    const job = startJob('96x64', 400);
    const nodeId = nodeIdOf(1);
    await untilRendering(nodeId, 2);
    const doneBefore = results.filter((result) => result.nodeId === nodeId).length;
    const startMs = performance.now();
    await farm.agents[1]!.stop();
    const tookMs = Math.round(performance.now() - startMs);
    const done = results.filter((result) => result.nodeId === nodeId).length - doneBefore;
    const ended = await job.program.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expectOnceEach(24);
    expect(done, 'tiles that rendered when it was told to stop').toBeGreaterThanOrEqual(1);
    expect(tookMs).toBeLessThan(GRACE_MS + 1_500);
    expect(job.eventsOfKind('node_lost')).toEqual([]);
    const log = readFileSync(farm.agents[1]!.logFile, 'utf8');
    expect(log).toMatch(/guian: stopping: \d tiles render/);
    expect(log).not.toContain('grace is over');
    process.stdout.write(`SIGTERM → gone: ${tookMs} ms, ${done} tiles of 400 ms finished meanwhile\n`);
    await farm.agents[1]!.start();
  },
  TEST_MS,
);

it(
  'tiles that take longer than the grace are handed back when it is over, and rendered by the other node under the same attempt',
  async () => {
    await nodesAreReady(2);
    const job = startJob('48x32', 4_000);
    const nodeId = nodeIdOf(1);
    await untilRendering(nodeId, 2);
    const startMs = performance.now();
    await farm.agents[1]!.stop();
    const goneMs = Math.round(performance.now() - startMs);
    const ofNode = beats.filter(({ beat, atMs }) => beat.nodeId === nodeId && atMs >= startMs);
    const leaving = ofNode.find(({ beat }) => beat.leaving)!;
    const leftMs = Math.round(leaving.atMs - startMs);
    expect(leaving.beat).toMatchObject({ inHand: [], draining: true });
    expect(ofNode.filter(({ beat }) => beat.draining).length, 'it is seen to drain').toBeGreaterThan(1);
    expect(leftMs).toBeGreaterThanOrEqual(GRACE_MS - 50);
    expect(leftMs).toBeLessThan(GRACE_MS + 1_000);
    const ended = await job.program.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expectOnceEach(6);
    expect(results.every((result) => result.nodeId === nodeIdOf(0))).toBe(true);
    expect(job.eventsOfKind('attempt_failed')).toEqual([]);
    // What is handed back while every other slot is busy is leased and in nobody's hand: it may be given away once more,
    // in no node's name.
    expect(job.eventsOfKind('node_lost').filter((event) => event.nodeId !== '')).toEqual([]);
    process.stdout.write(
      `grace ${GRACE_MS} ms; tiles handed back after ${leftMs} ms, gone after ${goneMs} ms\n`,
    );
    await farm.agents[1]!.start();
  },
  TEST_MS,
);

it(
  'a second signal ends an agent at once, and its tiles are rendered by others',
  async () => {
    await nodesAreReady(2);
    const addresses = ['--nats', farm.natsUrl, '--coordinator', farm.coordinatorAddress];
    const third = startGuian(
      ['agent', '--node-id', 'third', '--slots', '2', '--cache', folder.tmp, ...addresses],
      folder,
    );
    await nodesAreReady(3);
    const job = startJob('64x64', 2_000);
    await untilRendering('third', 2);
    third.child.kill('SIGTERM');
    await waitUntil(() => lastBeat('third')?.draining, { timeoutMs: 3_000, describe: 'draining' });
    // It would have 30 s.
    await delay(200);
    const startMs = performance.now();
    third.child.kill('SIGTERM');
    expect(await third.ended).toMatchObject({ code: 130 });
    expect(performance.now() - startMs).toBeLessThan(1_000);
    const ended = await job.program.ended;
    expect(ended.code, ended.stderr).toBe(0);
    expectOnceEach(16);
    expect(results.some((result) => result.nodeId === 'third')).toBe(false);
    expect(job.eventsOfKind('attempt_failed')).toEqual([]);
    expect(job.eventsOfKind('node_lost').map((event) => event.nodeId)).toContain('third');
  },
  TEST_MS,
);

it(
  'nothing of an agent outlives SIGKILL: no thread, no child',
  async () => {
    await nodesAreReady(2);
    const job = startJob('48x32', 1_000);
    await untilRendering(nodeIdOf(0), 2);
    const pid = farm.agents[0]!.pid!;
    const threads = readdirSync(`/proc/${pid}/task`).length;
    expect(processesOf(pid), 'it works in threads alone').toEqual([pid]);
    await farm.agents[0]!.crash();
    await waitUntil(() => processesOf(pid).length === 0, {
      timeoutMs: 2_000,
      describe: () => `nothing left of the ${threads} threads: ${processesOf(pid)}`,
    });
    const ended = await job.program.ended;
    expect(ended.code, ended.stderr).toBe(0);
    await nodesAreReady(2);
  },
  TEST_MS,
);

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
