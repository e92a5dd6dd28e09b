/** SIGKILL of the coordinator between two steps that belong together. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TEMP_FILE_PATTERN } from '#coordinator/frames/write-frame.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, leftOnBus, SCENE, spec } from '#tests/support/farm-calls.js';
import { waitUntil } from '#tests/support/wait-until.js';

const TRIES = 5;

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
});
afterEach(async () => {
  if (farm.isUp) await studio.cancelAll();
  await farm.close();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

/** What is queued goes on without a coordinator; one that comes in the midst of it may queue a tile once more. */
const allRendered = (jobId: string) =>
  waitUntil(async () => (await leftOnBus(farm, jobId)).tiles === 0, { describe: 'an empty queue' });

async function expectWholeFrames(jobId: string): Promise<void> {
  for (const { frame, state, files } of await studio.frames(jobId)) {
    expect(state).toBe('finished');
    const bytes = await studio.download(jobId, frame, 'exr');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(files[0]!.digest);
  }
}

describe('a coordinator that is killed', () => {
  it('after it has recorded a job and before it answers gives the same job to the same key', async () => {
    await farm.startProcess('job recorded');
    await studio.upload(SCENE);
    await expect(studio.submit(spec({ frames: '1' }), 'the-key')).rejects.toMatchObject({
      code: 'COORDINATOR_UNAVAILABLE',
    });
    await farm.processGone();
    await farm.start();
    const { jobs } = await studio.list(10, '');
    expect(jobs).toHaveLength(1);
    const again = await studio.submit(spec({ frames: '1' }), 'the-key');
    expect(again).toMatchObject({ existed: true, job: { jobId: jobs[0]!.jobId } });
    const agent = await studio.agent(jobs[0]!.jobId);
    await studio.state(jobs[0]!.jobId, 'finished');
    await agent.stop();
    await studio.cleared(jobs[0]!.jobId);
  });

  it('while it writes a frame, leaves no half frame, and puts it together again', async () => {
    // Large enough that writing it takes a while: 12 tiles a frame.
    const settings = { renderer: 'synthetic', widthPx: 1600, heightPx: 1200, formats: ['exr'] };
    for (let tries = 0; ; tries++) {
      await farm.startProcess('stitching');
      if (tries === 0) await studio.upload(SCENE);
      const { job } = await studio.submit(spec({ frames: '1', tile: '400', settings }));
      const { jobId } = job!;
      const folder = join(farm.config.storeDir, 'jobs', jobId, 'frames');
      const agent = await studio.agent(jobId);
      await farm.processGone();
      const half = readdirSync(folder);
      await allRendered(jobId);
      await farm.start();
      await studio.state(jobId, 'finished');
      await studio.cleared(jobId);
      await agent.stop();
      expect(agent.tiles, 'nothing is rendered twice').toHaveLength(12);
      await expectWholeFrames(jobId);
      expect(readdirSync(folder).sort()).toEqual(['1.json', 'gradient.0001.exr']);
      expect(half, 'one file').toHaveLength(1);
      if (TEMP_FILE_PATTERN.test(half[0]!)) break;
      // The signal came when the writing was over.
      expect(tries, 'killed while it writes').toBeLessThan(TRIES);
      await farm.close();
    }
  });

  it.each([
    // Stitched again from the results, which are still in the stream; the files are replaced.
    ['frame files written', 'before it records the frame, puts the frame together again'],
    // The record counts; the results that it left are purged at the start.
    ['frame recorded', 'before it purges its results, clears up after itself'],
    ['job end recorded', 'before it clears the bus, clears up after itself'],
  ] as const)('at "%s" %s, and renders nothing twice', async (point, _what) => {
    await farm.startProcess(point);
    const { job } = await studio.submit(spec({ frames: '1-2' }));
    const { jobId } = job!;
    const agent = await studio.agent(jobId);
    await farm.processGone();
    await allRendered(jobId);
    await farm.start();
    await studio.state(jobId, 'finished');
    await studio.cleared(jobId);
    await agent.stop();
    const rendered = agent.tiles.map(({ frame, tile }) => `${frame}/${tile}`);
    expect(new Set(rendered).size).toBe(24);
    expect(rendered).toHaveLength(24);
    await expectWholeFrames(jobId);
    const kinds = (await studio.watch(jobId, 0, true)).map(({ kind }) => kind);
    expect(
      kinds.filter((kind) => kind !== 'repaired'),
      'each step is told once',
    ).toEqual(['submitted', 'started', 'frame_finished', 'frame_finished', 'finished']);
  });
});
