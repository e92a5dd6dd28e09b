/** SIGSTOP: an agent that stands still is taken for lost, others do its work, and when it goes on it changes nothing. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { retryCall } from '#shared/bus/retry-call.js';
import { TIMES } from '#shared/limits.js';
import { watchFor } from '#tests/support/agent-kill-points.js';
import { type FaultAgent, type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  jobEnds,
  SMALL_TILES,
  submitFaultJob,
  submitUntil,
  tilesDone,
} from '#tests/support/fault-job.js';
import { NatsFrames } from '#tests/support/nats-frames.js';
import type { LinkFilter } from '#tests/support/tcp-proxy.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** 90 tiles of 150 ms: 13 s for one slot. */
const LONG: FaultJob = { ...SMALL_TILES, frames: 6, costMs: 150 };
const LONG_TILES = 90;
/** Enough for the one that wakes to take some of them. */
const LEFT_MIN = 20;
const TRIES = 5;

let farm: FaultFarm;
beforeEach(async () => {
  farm = await startFaultFarm();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** Suspends an agent while it renders, as its heartbeat has just said. */
async function suspendRendering(job: FaultJob, tries = 0) {
  const isRendering = watchFor('rendering', () => sleeper.suspend());
  const sleeper = await farm.startAgent(`sleeper-${tries}`, { filter: isRendering.passing });
  const other = await farm.startAgent(`other-${tries}`);
  const jobId = await submitUntil(farm, job, 'an agent that renders', () => isRendering.isReached);
  return { sleeper, other, jobId };
}

/** From now on: the server knows that somebody listens when this resolves. */
async function resultsOf(nodeId: string): Promise<{ readonly count: number }> {
  const seen = { count: 0 };
  farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (error, message) => {
      if (!error && message.headers?.get('Guian-Result').includes(`"nodeId":"${nodeId}"`)) seen.count++;
    },
  });
  await farm.bus.connection.flush();
  return seen;
}

async function nodeIs(agent: FaultAgent, state: string): Promise<void> {
  const listed = () => farm.studio.nodes();
  let seen = '';
  await waitUntil(
    async () => {
      const nodes = await listed();
      seen = nodes.find(({ nodeId }) => nodeId === agent.nodeId)?.state ?? 'unknown';
      return seen === state;
    },
    { describe: () => `node ${agent.nodeId} ${state}; it is ${seen}` },
  );
}

it('an agent that wakes in the middle of the job drops what others have done, and works on', async () => {
  for (let tries = 0; ; tries++) {
    const { sleeper, other, jobId } = await suspendRendering(LONG, tries);
    await nodeIs(sleeper, 'lost');
    const done = (await farm.studio.get(jobId)).progress!.tilesDone;
    const late = await resultsOf(sleeper.nodeId);
    sleeper.resume();
    const isInTheMiddle = done <= LONG_TILES - LEFT_MIN;
    if (isInTheMiddle) {
      await nodeIs(sleeper, 'ready');
      await tilesDone(farm, jobId, done + 5);
    }
    await expectWholeJob(farm, jobId, LONG);
    expect(sleeper.part.pid, 'it never died').toBeDefined();
    if (isInTheMiddle) {
      await expect.poll(() => late.count, { message: 'results of the one that woke' }).toBeGreaterThan(0);
      return;
    }
    expect(tries, `lost only when ${done} of ${LONG_TILES} tiles were done`).toBeLessThan(TRIES);
    for (const agent of [sleeper, other]) await agent.kill();
  }
});

it('an agent that wakes when the job is over leaves nothing behind: its late result is dropped and purged', async () => {
  let isOnItsWay = false;
  /** Its first result leaves it, and stands still on the way to the server as it does itself. */
  const firstResult: LinkFilter = () => {
    const frames = new NatsFrames();
    return {
      up: (chunk) => {
        const isResult = frames.push(chunk).some(({ headers }) => headers.includes('Guian-Result:'));
        if (isResult && !isOnItsWay) {
          isOnItsWay = true;
          sleeper.link.stall('up');
          sleeper.suspend();
        }
        return chunk;
      },
    };
  };
  const sleeper = await farm.startAgent('sleeper', { filter: firstResult });
  await farm.startAgent('other');
  const jobId = await submitUntil(farm, SMALL_TILES, 'a result on its way', () => isOnItsWay);
  await jobEnds(farm, jobId);
  const late = await resultsOf(sleeper.nodeId);
  sleeper.link.flow();
  sleeper.resume();
  await waitUntil(() => late.count > 0, { describe: 'the late result' });
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
  const unacked = async () =>
    (await retryCall('look', () => jsm.consumers.info(names.tilesStream, jobId))).num_ack_pending;
  const queued = async () =>
    (await retryCall('look', () => jsm.streams.info(names.tilesStream))).state.messages;
  // Everything was queued before: the other one goes on, down to what the sleeper holds.
  await waitUntil(async () => (await queued()) > 0 && (await queued()) === (await unacked()), {
    describe: 'a queue that holds only what is leased',
  });
  await waitUntil(async () => (await queued()) === 0, {
    timeoutMs: TIMES.leaseMs + 60_000,
    describe: 'an empty queue',
  });
  process.stdout.write(
    `without a coordinator the sleeper's tiles were done after ${Date.now() - stoppedAtMs} ms\n`,
  );
  sleeper.resume();
  await farm.coordinator.start();
  await expectWholeJob(farm, jobId, LONG);
  await nodeIs(sleeper, 'ready');
});
