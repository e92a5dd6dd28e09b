/** Messages that come twice, late, in another order, under another name, or for a job that is over: nothing is doubled. */
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { headers, type Msg } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { RESULT_HEADER, type ResultMeta, type TileMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobId, PlanId } from '#shared/domain/ids.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  jobEnds,
  LARGE_TILES,
  SMALL_TILES,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import { type NatsFrame, NatsFrames } from '#tests/support/nats-frames.js';
import type { LinkFilter } from '#tests/support/tcp-proxy.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 60 tiles of 60 ms. */
const JOB: FaultJob = { ...SMALL_TILES, frames: 4, costMs: 60 };
const TILES = 60;
/** The server stays up here: it answers, however late. */
const ACK_MS_MAX = 60_000;

let farm: FaultFarm;
let agent: FaultAgent;
beforeAll(async () => {
  farm = await startFaultFarm();
  agent = await farm.startAgent('agent', { filter: partsSwapped });
});
afterEach(async () => {
  for (const { link } of [agent, { link: farm.coordinatorLink }]) link.delay(0, 0);
  await farm.studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

/** Of results in two parts, the second goes ahead of the first. */
const partsSwapped: LinkFilter = () => {
  const frames = new NatsFrames();
  let first: NatsFrame | undefined;
  const inOtherOrder = (frame: NatsFrame): Buffer[] => {
    if (frame.op === 'HPUB' && frame.headers.includes('"part":0,"partCount":2')) {
      first = frame;
      return [];
    }
    const ahead = first;
    if (!ahead || !frame.headers.includes('"part":1,"partCount":2')) return [frame.bytes];
    first = undefined;
    return [frame.bytes, ahead.bytes];
  };
  return { up: (chunk) => Buffer.concat(frames.push(chunk).flatMap(inOtherOrder)) };
};

/** What passes over the bus from now on, and what had passed when so many results had. */
function record() {
  const seen = { tiles: [] as Msg[], results: [] as Msg[] };
  const { connection, names } = farm.bus;
  let atResults: ((soFar: typeof seen) => void) | undefined;
  let wanted = Number.POSITIVE_INFINITY;
  const into = (list: Msg[]) => ({
    callback: (error: Error | null, message: Msg) => {
      if (error) return;
      list.push(message);
      if (seen.results.length >= wanted) atResults?.({ tiles: [...seen.tiles], results: [...seen.results] });
    },
  });
  connection.subscribe(names.tilesAll, into(seen.tiles));
  connection.subscribe(names.resultsAll, into(seen.results));
  return {
    ...seen,
    /** In the very moment, while the job goes on. */
    untilResults: (count: number): Promise<typeof seen> =>
      new Promise((resolve) => {
        wanted = count;
        atResults = resolve;
      }),
  };
}

interface Copy {
  /** Without its message id, the stream takes it for a new message. */
  readonly keepId?: boolean;
  readonly meta?: Partial<ResultMeta>;
}

/** Once more on the bus, with changes. Resolves when the stream has it, or knows it for what it has already. */
async function resendResult(original: Msg, { keepId = false, meta = {} }: Copy): Promise<void> {
  const { js, names } = farm.bus;
  const changed = { ...(JSON.parse(original.headers!.get(RESULT_HEADER)) as ResultMeta), ...meta };
  const copied = headers();
  copied.set(RESULT_HEADER, JSON.stringify(changed));
  if (keepId) copied.set('Nats-Msg-Id', original.headers!.get('Nats-Msg-Id'));
  const options = { headers: copied, timeout: ACK_MS_MAX };
  await js.publish(names.result(changed, changed.part), original.data, options);
}

/** Once more on the bus, perhaps as another attempt. @returns whether the queue takes it: it has each attempt once. */
async function resendTile(original: Msg, attemptsMore: number): Promise<boolean> {
  const { js, names } = farm.bus;
  const tile = original.json<TileMessage>();
  const changed = { ...tile, attempt: tile.attempt + attemptsMore };
  try {
    await js.publish(names.tile(changed), JSON.stringify(changed), { timeout: ACK_MS_MAX });
    return true;
  } catch (error) {
    if (error instanceof JetStreamApiError) return false;
    throw error;
  }
}

const COPIES: readonly Copy[] = [
  { keepId: true },
  {},
  { meta: { attempt: 7 } },
  { meta: { planId: 'another-plan' as PlanId } },
  { meta: { nodeId: 'somebody' as ResultMeta['nodeId'] } },
];

it('results sent again, as they were, as other attempts, of another plan, last first, count once', async () => {
  const seen = record();
  const resendable = seen.untilResults(20);
  const jobId = await submitFaultJob(farm, JOB);
  // The first frame's results are in.
  const { results } = await resendable;
  await tilesDone(farm, jobId, 15);
  await Promise.all(
    results.toReversed().flatMap((result) => COPIES.map((copy) => resendResult(result, copy))),
  );
  const events = await expectWholeJob(farm, jobId, JOB);
  expect(events.filter(({ kind }) => kind === 'warning')).toEqual([]);
});

it('parts of a result that come in another order are joined in their own', async () => {
  const jobId = await submitFaultJob(farm, LARGE_TILES);
  await expectWholeJob(farm, jobId, LARGE_TILES);
});

it('tiles queued again, as they were or as other attempts, are rendered in vain at most once each', async () => {
  const seen = record();
  const soFar = seen.untilResults(20);
  const jobId = await submitFaultJob(farm, JOB);
  const { tiles, results } = await soFar;
  const renderedOf = (message: Msg) => message.subject.split('.').slice(3, 5).join('/');
  const done = new Set(results.map(renderedOf));
  const [doneTiles, openTiles] = [true, false].map((isDone) =>
    tiles.filter((tile) => done.has(renderedOf(tile)) === isDone).slice(0, 15),
  ) as [Msg[], Msg[]];
  expect([doneTiles.length, openTiles.length]).toEqual([15, 15]);
  await Promise.all([
    ...doneTiles.flatMap((tile) => [0, 1].map((more) => resendTile(tile, more))),
    ...openTiles.flatMap((tile) => [0, 5].map((more) => resendTile(tile, more))),
  ]);
  await expectWholeJob(farm, jobId, JOB);
  // A done tile that comes again is dropped when the node's heartbeat is answered, or rendered before that.
  expect(seen.results.length).toBeGreaterThanOrEqual(TILES);
  expect(seen.results.length).toBeLessThanOrEqual(TILES + 2 * doneTiles.length + openTiles.length);
});

it('results and tiles of a job that is over are cleared away, and start nothing', async () => {
  const seen = record();
  const jobId = await submitFaultJob(farm, JOB);
  await expectWholeJob(farm, jobId, JOB);
  const results = seen.results.slice(0, 10);
  await Promise.all(results.flatMap((result) => COPIES.map((copy) => resendResult(result, copy))));
  await farm.studio.cleared(jobId);
  const taken = await Promise.all(seen.tiles.slice(0, 10).map((tile) => resendTile(tile, 0)));
  expect(taken, 'stray tiles in the queue').toEqual(new Array(10).fill(true));
  await farm.coordinator.stop();
  await farm.coordinator.start();
  await farm.studio.cleared(jobId);
  expect((await farm.studio.get(jobId)).state).toBe('finished');
  expect((await farm.studio.watch(jobId, 0, true)).filter(({ kind }) => kind === 'finished')).toHaveLength(1);
});

it('a coordinator behind a slow link takes in results and purges them while frames end in quick succession', async () => {
  const job: FaultJob = { ...SMALL_TILES, frames: 12, costMs: 10 };
  farm.coordinatorLink.delay(150, 150);
  const jobId = await submitFaultJob(farm, job);
  await jobEnds(farm, jobId);
  farm.coordinatorLink.delay(0, 0);
  await expectWholeJob(farm, jobId, job);
});

it('results that a slow link delays by seconds arrive after others have done their tiles, and count once', async () => {
  const other = await farm.startAgent('other');
  const seen = record();
  const jobId = await submitFaultJob(farm, JOB);
  await tilesDone(farm, jobId, 10);
  agent.link.delay(3_000, 0);
  await delay(5_000);
  agent.link.delay(0, 0);
  await expectWholeJob(farm, jobId, JOB);
  const tilesOf = (nodeId: string) =>
    seen.results.filter((result) => result.headers!.get(RESULT_HEADER).includes(`"nodeId":"${nodeId}"`))
      .length;
  expect(tilesOf(agent.nodeId)).toBeGreaterThan(0);
  expect(tilesOf(other.nodeId)).toBeGreaterThan(0);
  const { names, jsm } = farm.bus;
  await waitUntil(
    async () => (await retryCall('look', () => jsm.streams.info(names.resultsStream))).state.messages === 0,
    {
      describe: () => `no result of ${jobId as JobId} that came late`,
    },
  );
});
