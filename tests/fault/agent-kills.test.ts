/** SIGKILL of an agent at each point of a tile's life: another one finishes, and nothing shows that it happened. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TIMES } from '#shared/limits.js';
import { TILE_POINTS, watchFor } from '#tests/support/agent-kill-points.js';
import { type FaultFarm, startFaultFarm } from '#tests/support/fault-farm.js';
import { expectWholeJob, LARGE_TILES, submitUntil } from '#tests/support/fault-job.js';

/** A tile that waits for its lease takes a whole one, from its delivery on: it was struck in its first second. */
const SOONER_THAN_LEASE_MS = TIMES.leaseMs - 5_000;

let farm: FaultFarm;
beforeAll(async () => {
  farm = await startFaultFarm();
  await farm.startAgent('survivor');
});
afterAll(async () => {
  await farm?.[Symbol.asyncDispose]();
});

it.each(TILE_POINTS.map((point, index) => [point, `victim-${index}`] as const))(
  'an agent killed at "%s" costs its tile nothing: another renders it, every frame is there once, bit for bit',
  async (point, name) => {
    let killedAtMs = 0;
    const watch = watchFor(point, () => {
      killedAtMs = Date.now();
      victim.part.kill();
    });
    const victim = await farm.startAgent(name, { filter: watch.filter });
    try {
      const what = `the victim at "${point}"`;
      const jobId = await submitUntil(farm, LARGE_TILES, what, () => watch.isReached);
      await victim.kill();
      const events = await expectWholeJob(farm, jobId, LARGE_TILES);
      const given = events.find(({ kind, message }) => kind === 'node_lost' && message.includes('to others'));
      const afterMs = given && Number(given.atMs) - killedAtMs;
      const ended = events.at(-1)!;
      process.stdout.write(
        `killed at "${point}": its tiles went to others after ${afterMs} ms, the job ended after ${ended.atMs - killedAtMs} ms\n`,
      );
      // Without a tile in its hand there is nothing to give away.
      expect(ended.atMs - killedAtMs, JSON.stringify(events)).toBeLessThan(SOONER_THAN_LEASE_MS);
    } finally {
      await victim.kill();
      await farm.studio.cancelAll();
    }
  },
);
