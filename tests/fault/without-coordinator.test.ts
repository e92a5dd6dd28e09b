/** The coordinator is not on the tile's path: while it is dead, agents render what is queued, and its results wait. */
import { expect, it } from 'vitest';
import { decodeMessage, heartbeatSchema, RESULT_HEADER, type ResultMeta } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  SMALL_TILES,
  submitFaultJob,
  tilesDone,
} from '#tests/support/fault-job.js';
import { waitUntil } from '#tests/support/wait-until.js';

const TILE_MS = 300;
/** 75 tiles. A slot with one tile at hand has all the time of the other to get the next. */
const LONG: FaultJob = { ...SMALL_TILES, frames: 5, costMs: TILE_MS };
const DEAD_MS = 5_000;
const ASK_EVERY_MS = 50;
/** Of the time that the slots could have rendered in; the rest is handing over tiles, on a machine that is full. */
const BUSY_RATIO_MIN = 0.75;

async function messagesIn(farm: FaultFarm, stream: string): Promise<number> {
  return (await retryCall('look', () => farm.bus.jsm.streams.info(stream))).state.messages;
}

/** Asks all nodes for a heartbeat again and again, and adds up what results say of their render times. */
function observe(farm: FaultFarm) {
  const { connection, names } = farm.bus;
  const seen = { heartbeats: 0, idle: 0, results: 0, renderMs: 0 };
  const subscriptions = [
    connection.subscribe(names.heartbeatsAll, {
      callback: (_, message) => {
        const { slots, slotsBusy } = decodeMessage(heartbeatSchema, message.data, 'heartbeat');
        seen.heartbeats++;
        if (slotsBusy < slots) seen.idle++;
      },
    }),
    connection.subscribe(names.resultsAll, {
      callback: (_, message) => {
        seen.results++;
        seen.renderMs += (JSON.parse(message.headers!.get(RESULT_HEADER)) as ResultMeta).renderMs;
      },
    }),
  ];
  const timer = setInterval(() => connection.publish(names.rollCall), ASK_EVERY_MS);
  return {
    seen,
    stop() {
      clearInterval(timer);
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

it('while the coordinator is dead no slot is idle, results pile up, and it takes them all in when it is back', async () => {
  await using farm = await startFaultFarm();
  for (const name of ['one', 'two']) await farm.startAgent(name);
  const jobId = await submitFaultJob(farm, LONG);
  await tilesDone(farm, jobId, 4);
  farm.coordinator.kill();
  await farm.coordinator.stop();
  const startMs = performance.now();
  const { seen, stop } = observe(farm);
  const counts: number[] = [];
  await waitUntil(
    async () => {
      counts.push(await messagesIn(farm, farm.bus.names.resultsStream));
      return performance.now() - startMs > DEAD_MS;
    },
    { describe: 'the time to pass' },
  );
  stop();
  const tookMs = performance.now() - startMs;
  const busyRatio = seen.renderMs / (2 * tookMs);
  process.stdout.write(
    `without a coordinator: ${seen.results} results in ${Math.round(tookMs)} ms, slots rendered ${Math.round(100 * busyRatio)}% of it; ${seen.idle} of ${seen.heartbeats} looks found one idle\n`,
  );
  const messages = await messagesIn(farm, farm.bus.names.tilesStream);
  expect(messages, 'tiles were queued all the time').toBeGreaterThan(4);
  expect(counts.at(-1)! - counts[0]!, 'results that wait').toBeGreaterThan(DEAD_MS / TILE_MS);
  expect(seen.heartbeats).toBeGreaterThan(20);
  expect(seen.idle, 'looks that found an idle slot').toBe(0);
  expect(busyRatio).toBeGreaterThan(BUSY_RATIO_MIN);
  await farm.coordinator.start();
  await expectWholeJob(farm, jobId, LONG);
});
