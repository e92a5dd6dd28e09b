/** Who gets the slots of real agents: studios by their shares, priorities at once, and a node that drains loses nothing. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { decodeMessage, RESULT_HEADER, type ResultMeta, resultMetaSchema } from '#shared/bus/messages.js';
import { TIMEOUT_MS } from '#tests/support/farm-calls.js';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import { schedulerCalls } from '#tests/support/scheduler-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';

const NAMES = ['a', 'b', 'c', 'd'];
const TILE_MS = 500;
/** What a busy machine of two cores may add. */
const SLACK_MS = 2_000;

let farm: FaultFarm;
let scheduler: ReturnType<typeof schedulerCalls>;
let nodes: ReturnType<typeof scheduler.listen>;
const results: ResultMeta[] = [];

beforeAll(async () => {
  farm = await startFaultFarm();
  scheduler = schedulerCalls(farm);
  nodes = scheduler.listen();
  farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (error, message) => {
      if (error) return;
      results.push(decodeMessage(resultMetaSchema, message.headers!.get(RESULT_HEADER), 'result'));
    },
  });
  for (const name of NAMES) await farm.startAgent(name);
  await waitFor('all nodes', async () => (await farm.studio.nodes()).length === NAMES.length);
});
afterEach(async () => {
  await farm.studio.cancelAll();
  results.length = 0;
});
afterAll(async () => {
  nodes?.[Symbol.dispose]();
  await farm?.[Symbol.asyncDispose]();
});

const waitFor = <T>(describe: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });
/** Resolves when so many tiles of each job render at once. @returns how long that took, ms. */
async function untilRendering(wanted: Readonly<Record<string, number>>): Promise<number> {
  const startedAtMs = performance.now();
  await waitUntil(
    () => {
      nodes.call();
      return Object.entries(wanted).every(([jobId, count]) => nodes.rendering(jobId) === count);
    },
    {
      timeoutMs: TIMEOUT_MS,
      describe: () =>
        `rendering: ${JSON.stringify(wanted)}; it is ${Object.keys(wanted).map((jobId) => nodes.rendering(jobId))}`,
    },
  );
  return performance.now() - startedAtMs;
}

it('two studios with shares of 3 to 1 have 3 and 1 of four slots within 2 s', async () => {
  await scheduler.setStudio({ name: 'three', share: 3 });
  await scheduler.setStudio({ name: 'one', share: 1 });
  const first = await scheduler.submit({ name: 'first', studio: 'one', tiles: 1_000, tileMs: TILE_MS });
  await untilRendering({ [first]: 4 });
  const second = await scheduler.submit({ name: 'second', studio: 'three', tiles: 1_000, tileMs: TILE_MS });
  const startedAtMs = performance.now();
  const slots = async (jobId: string) => (await farm.studio.get(jobId)).slots;
  await waitFor('slots', async () => (await slots(second)) === 3 && (await slots(first)) === 1);
  const decidedMs = performance.now() - startedAtMs;
  const tookMs = decidedMs + (await untilRendering({ [first]: 1, [second]: 3 }));
  process.stdout.write(
    `3:1 decided after ${decidedMs.toFixed()} ms, in force after ${tookMs.toFixed()} ms\n`,
  );
  expect(decidedMs).toBeLessThan(2_000);
  expect(tookMs).toBeLessThan(TILE_MS + SLACK_MS);
  await farm.studio.cancel(second);
  await untilRendering({ [first]: 4 });
});

it('a job of higher priority takes every slot over at the end of the tiles that render', async () => {
  const low = await scheduler.submit({ name: 'low', tiles: 1_000, tileMs: TILE_MS });
  await untilRendering({ [low]: 4 });
  const high = await scheduler.submit({
    ...{ name: 'high', tiles: 20, tileMs: TILE_MS },
    schedule: { priority: 90 },
  });
  const tookMs = await untilRendering({ [low]: 0, [high]: 4 });
  process.stdout.write(`taken over after ${tookMs.toFixed()} ms, tiles take ${TILE_MS} ms\n`);
  expect(tookMs).toBeLessThan(TILE_MS + SLACK_MS);
  const [wait] = (await scheduler.why(low)).waits;
  expect(wait?.message).toContain(high);
  await farm.studio.state(high, 'finished');
  await untilRendering({ [low]: 4 });
  expect((await farm.studio.get(low)).progress?.attemptsFailed).toBe(0);
});

it('with hard preemption tiles of lower priority are aborted at once, and that is no failure of theirs', async () => {
  const longMs = 60_000;
  const low = await scheduler.submit({ name: 'low', tiles: 8, tileMs: longMs });
  await untilRendering({ [low]: 4 });
  const high = await scheduler.submit({
    ...{ name: 'high', tiles: 8, tileMs: TILE_MS },
    schedule: { priority: 90, preempt: 'hard' },
  });
  const tookMs = await untilRendering({ [low]: 0, [high]: 4 });
  process.stdout.write(`aborted and taken over after ${tookMs.toFixed()} ms\n`);
  expect(tookMs).toBeLessThan(2 * SLACK_MS);
  await farm.studio.state(high, 'finished');
  await untilRendering({ [low]: 4 });
  expect(results.filter(({ jobId, outcome }) => jobId === low || outcome.kind === 'failed')).toEqual([]);
});

it('with hard preemption a job that keeps some slots of a node loses the others at once', async () => {
  const drain = (isDrained: boolean) =>
    Promise.all(NAMES.map((nodeId) => scheduler.setNode({ nodeId, drain: isDrained })));
  await drain(true);
  const wide = await farm.startAgent('wide', { slots: 4 });
  const low = await scheduler.submit({ name: 'low', tiles: 16, tileMs: 60_000 });
  await untilRendering({ [low]: 4 });
  const high = await scheduler.submit({
    ...{ name: 'high', tiles: 12, tileMs: TILE_MS },
    schedule: { priority: 90, preempt: 'hard', maxSlots: 3 },
  });
  const tookMs = await untilRendering({ [low]: 1, [high]: 3 });
  process.stdout.write(`three of four tiles aborted and taken over after ${tookMs.toFixed()} ms\n`);
  expect(tookMs).toBeLessThan(2 * SLACK_MS);
  await farm.studio.state(high, 'finished');
  await untilRendering({ [low]: 4 });
  expect(results.filter(({ jobId, outcome }) => jobId === low || outcome.kind === 'failed')).toEqual([]);
  await wide.kill();
  await drain(false);
});

it('a node that an admin drains under load finishes what it renders, and no tile is lost or done twice', async () => {
  const tiles = 40;
  const jobId = await scheduler.submit({ name: 'load', tiles, tileMs: TILE_MS });
  await untilRendering({ [jobId]: 4 });
  await scheduler.setNode({ nodeId: 'a', drain: true });
  const state = async () => (await farm.studio.nodes()).find(({ nodeId }) => nodeId === 'a')?.state;
  await waitFor('it is drained', async () => (await state()) === 'drained');
  expect(nodes.last.get('a')?.inHand).toEqual([]);
  const before = results.filter(({ nodeId }) => nodeId === 'a').length;
  await untilRendering({ [jobId]: 3 });
  expect(results.filter(({ nodeId }) => nodeId === 'a')).toHaveLength(before);
  await scheduler.setNode({ nodeId: 'a', drain: false });
  await untilRendering({ [jobId]: 4 });
  await farm.studio.state(jobId, 'finished');
  const named = results.map(({ tile, attempt, outcome }) => `${tile}/${attempt} ${outcome.kind}`);
  expect(named.sort()).toEqual(Array.from({ length: tiles }, (_, tile) => `${tile}/1 rendered`).sort());
});
