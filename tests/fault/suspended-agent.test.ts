/** SIGSTOP: an agent that stands still is taken for lost, others do its work, and when it goes on it changes nothing. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TIMES } from '#shared/limits.js';
import { watchFor } from '#tests/support/agent-kill-points.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  jobEnds,
  SMALL_TILES,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 60 tiles of 150 ms: 9 s for one slot. */
const LONG: FaultJob = { ...SMALL_TILES, frames: 4, costMs: 150 };

let farm: FaultFarm;
beforeEach(async () => {
  farm = await startFaultFarm();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** Suspends an agent while it renders, as its heartbeat has just said. */
async function suspendRendering(job: FaultJob) {
  const isRendering = watchFor('rendering', () => sleeper.suspend());
  const sleeper = await farm.startAgent('sleeper', { filter: isRendering.passing });
  const other = await farm.startAgent('other');
  const jobId = await submitFaultJob(farm, job);
  await isRendering.reached;
  return { sleeper, other, jobId };
}

const resultsOf = (nodeId: string): { readonly count: number } => {
  const seen = { count: 0 };
  farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (error, message) => {
      if (!error && message.headers?.get('Guian-Result').includes(`"nodeId":"${nodeId}"`)) seen.count++;
    },
  });
  return seen;
};

async function nodeIs(agent: FaultAgent, state: string): Promise<void> {
  const listed = () => farm.studio.nodes();
  let seen = '';
  await waitUntil(
    async () => {
      const nodes = await listed();
      seen = nodes.find(({ nodeId }) => nodeId === agent.nodeId)?.state ?? 'unknown';
      return seen === state;
    },
    { timeoutMs: 15_000, describe: () => `node ${agent.nodeId} ${state}; it is ${seen}` },
  );
}

it('an agent that wakes in the middle of the job drops what others have done, and works on', async () => {
  const { sleeper, jobId } = await suspendRendering(LONG);
  await nodeIs(sleeper, 'lost');
  const before = await farm.studio.get(jobId);
  const late = resultsOf(sleeper.nodeId);
  sleeper.resume();
  await nodeIs(sleeper, 'ready');
  await tilesDone(farm, jobId, before.progress!.tilesDone + 5);
  await expectWholeJob(farm, jobId, LONG);
  expect(late.count, 'results of the one that woke').toBeGreaterThan(0);
  expect(sleeper.part.pid, 'it never died').toBeDefined();
});

it('an agent that wakes when the job is over leaves nothing behind: its late result is dropped and purged', async () => {
  const { sleeper, jobId } = await suspendRendering(SMALL_TILES);
  await jobEnds(farm, jobId);
  const late = resultsOf(sleeper.nodeId);
  sleeper.resume();
  await waitUntil(() => late.count > 0, { timeoutMs: 10_000, describe: 'the late result' });
  // It ends by asking that nothing of the job is on the bus.
  await expectWholeJob(farm, jobId, SMALL_TILES);
  await nodeIs(sleeper, 'ready');
  const next = await submitFaultJob(farm, SMALL_TILES);
  await expectWholeJob(farm, next, SMALL_TILES);
});

it('without a coordinator the lease itself runs out: another renders the tiles, and the late results count once', async () => {
  const { sleeper, jobId } = await suspendRendering(LONG);
  farm.coordinator.kill();
  await farm.coordinator.stop();
  const stoppedAtMs = Date.now();
  const { jsm, names } = farm.bus;
  const unacked = async () => (await jsm.consumers.info(names.tilesStream, jobId)).num_ack_pending;
  const queued = async () => (await jsm.streams.info(names.tilesStream)).state.messages;
  // Everything was queued before: the other one goes on, down to what the sleeper holds.
  await waitUntil(async () => (await queued()) > 0 && (await queued()) === (await unacked()), {
    timeoutMs: 25_000,
    describe: 'a queue that holds only what is leased',
  });
  await waitUntil(async () => (await queued()) === 0, {
    timeoutMs: TIMES.leaseMs + 10_000,
    describe: 'an empty queue',
  });
  process.stdout.write(
    `without a coordinator the sleeper's tiles were done after ${Date.now() - stoppedAtMs} ms\n`,
  );
  sleeper.resume();
  await farm.coordinator.start();
  await expectWholeJob(farm, jobId, LONG);
  await nodeIs(sleeper, 'ready');
}, 90_000);
