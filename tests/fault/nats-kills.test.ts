/** SIGKILL of nats-server at each point of a tile's life, half a second without it: every process goes on by itself. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TEMP_FILE_PATTERN } from '#coordinator/frames/write-frame.js';
import { TILE_POINTS, watchFor } from '#tests/support/agent-kill-points.js';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import { expectWholeJob, LARGE_TILES, LONG_TILES, submitFaultJob } from '#tests/support/fault-job.js';
import { waitUntil } from '#tests/support/wait-until.js';

const DOWN_MS = 500;
/** Twice what is promised: this machine may be full of other tests. */
const STALL_MS_MAX = 6_000;

let farm: FaultFarm;
beforeEach(async () => {
  farm = await startFaultFarm();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** From the kill to the first result that is stored after it. */
function stallOf(killedAtMs: number): Promise<number> {
  const results = farm.bus.connection.subscribe(farm.bus.names.resultsAll, { max: 1 });
  return (async () => {
    for await (const _ of results) return Date.now() - killedAtMs;
    throw new Error('no result came');
  })();
}

function expectSameProcesses(pids: readonly (number | undefined)[], parts: FaultFarm['coordinator'][]): void {
  expect(parts.map(({ pid }) => pid)).toEqual(pids);
}

it.each(TILE_POINTS)(
  'a nats-server killed when a tile is at "%s" loses nothing: frames are whole, tiles count once, all go on by themselves',
  async (point) => {
    let restarted: Promise<void> | undefined;
    let killedAtMs = 0;
    const watch = watchFor(point, () => {
      killedAtMs = Date.now();
      restarted = farm.crashNats(DOWN_MS);
    });
    const watched = await farm.startAgent('watched', { filter: watch.filter });
    const other = await farm.startAgent('other');
    const parts = [farm.coordinator, watched.part, other.part];
    const pids = parts.map(({ pid }) => pid);
    const job = point === 'rendering' ? LONG_TILES : LARGE_TILES;
    const jobId = await submitFaultJob(farm, job);
    await watch.reached;
    const stall = stallOf(killedAtMs);
    await restarted;
    await expectWholeJob(farm, jobId, job);
    const stallMs = await stall;
    process.stdout.write(`nats-server killed at "${point}": next result after ${stallMs} ms\n`);
    expect(stallMs).toBeLessThan(STALL_MS_MAX);
    expectSameProcesses(pids, parts);
  },
);

it('a nats-server killed while a frame is stitched loses nothing: the frame is written once, bit for bit', async () => {
  const agent = await farm.startAgent('agent');
  const parts = [farm.coordinator, agent.part];
  const pids = parts.map(({ pid }) => pid);
  const jobId = await submitFaultJob(farm, LARGE_TILES);
  const folder = join(farm.storeDir, 'jobs', jobId, 'frames');
  const isStitching = () => readdirSync(folder).some((name) => TEMP_FILE_PATTERN.test(name));
  await waitUntil(isStitching, { timeoutMs: 20_000, describe: 'a file that is being written' });
  await farm.crashNats(DOWN_MS);
  await expectWholeJob(farm, jobId, LARGE_TILES);
  expectSameProcesses(pids, parts);
});
