/** SIGKILL of nats-server at each point of a tile's life, half a second without it: every process goes on by itself. */
import { readdirSync, watch as watchFolder } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TEMP_FILE_PATTERN } from '#coordinator/frames/write-frame.js';
import { TILE_POINTS, type TilePoint, watchFor } from '#tests/support/agent-kill-points.js';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import {
  expectWholeJob,
  type FaultJob,
  LARGE_TILES,
  submitFaultJob,
  submitUntil,
} from '#tests/support/fault-job.js';
import { waitUntil } from '#tests/support/wait-until.js';

const DOWN_MS = 500;
/** Some times what is promised, which the chaos run measures: this machine may be full of other tests. */
const STALL_MS_MAX = 12_000;
/** 12 tiles: there are some left when the watched agent has its first one. */
const JOB: FaultJob = { ...LARGE_TILES, frames: 3 };
const TRIES = 5;

let farm: FaultFarm;
beforeEach(async () => {
  farm = await startFaultFarm();
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
});

/** From the kill to the first result that is stored after it; nothing as long as none was. */
function stallOf(killedAtMs: number): { readonly ms: number | undefined } {
  const stall: { ms: number | undefined } = { ms: undefined };
  farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    max: 1,
    callback: (error) => {
      if (!error) stall.ms = Date.now() - killedAtMs;
    },
  });
  return stall;
}

function expectSameProcesses(pids: readonly (number | undefined)[], parts: FaultFarm['coordinator'][]): void {
  expect(parts.map(({ pid }) => pid)).toEqual(pids);
}

/** @returns how long no result was stored; nothing where the point was the end of the job, so that none could be. */
async function killAt(point: TilePoint, tries: number): Promise<number | undefined> {
  let restarted: Promise<void> | undefined;
  let killedAtMs = 0;
  const watch = watchFor(point, () => {
    killedAtMs = Date.now();
    restarted = farm.crashNats(DOWN_MS);
  });
  const watched = await farm.startAgent(`watched-${tries}`, { filter: watch.filter });
  const other = await farm.startAgent(`other-${tries}`);
  const parts = [farm.coordinator, watched.part, other.part];
  const pids = parts.map(({ pid }) => pid);
  const jobId = await submitUntil(farm, JOB, `a tile at "${point}"`, () => watch.isReached);
  const stall = stallOf(killedAtMs);
  await restarted;
  await expectWholeJob(farm, jobId, JOB);
  expectSameProcesses(pids, parts);
  for (const agent of [watched, other]) await agent.kill();
  return stall.ms;
}

it.each(TILE_POINTS)(
  'a nats-server killed when a tile is at "%s" loses nothing: frames are whole, tiles count once, all go on by themselves',
  async (point) => {
    let stallMs: number | undefined;
    for (let tries = 0; tries < TRIES && stallMs === undefined; tries++) stallMs = await killAt(point, tries);
    process.stdout.write(`nats-server killed at "${point}": next result after ${stallMs} ms\n`);
    expect(stallMs).toBeLessThan(STALL_MS_MAX);
  },
);

it('a nats-server killed while a frame is stitched loses nothing: the frame is written once, bit for bit', async () => {
  const agent = await farm.startAgent('agent');
  const parts = [farm.coordinator, agent.part];
  const pids = parts.map(({ pid }) => pid);
  let isStruck = false;
  for (let tries = 0; tries < TRIES && !isStruck; tries++) {
    const jobId = await submitFaultJob(farm, LARGE_TILES);
    const folder = join(farm.storeDir, 'jobs', jobId, 'frames');
    let restarted: Promise<void> | undefined;
    using watcher = Object.assign(
      watchFolder(folder, (_, name) => {
        if (restarted || !name || !TEMP_FILE_PATTERN.test(name)) return;
        restarted = farm.crashNats(DOWN_MS);
        // It may have been the end of the writing that was heard of.
        isStruck = readdirSync(folder).includes(name);
      }),
      { [Symbol.dispose]: () => watcher.close() },
    );
    await waitUntil(() => restarted !== undefined, { describe: 'a file that is being written' });
    await restarted;
    await expectWholeJob(farm, jobId, LARGE_TILES);
  }
  expect(isStruck, 'the frame was being written when the server was killed').toBe(true);
  expectSameProcesses(pids, parts);
});
