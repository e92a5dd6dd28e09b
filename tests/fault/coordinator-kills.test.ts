/** SIGKILL of the coordinator between two steps that belong together. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEMP_FILE_PATTERN } from '#coordinator/frames/write-frame.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

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
    await farm.close();
  });

  it('while it writes a frame, leaves no half frame, and puts it together again', async () => {
    await farm.startProcess('stitching');
    // Large enough that writing it takes a while: 12 tiles a frame.
    const settings = { renderer: 'synthetic', widthPx: 1600, heightPx: 1200, formats: ['exr'] };
    const { job } = await studio.submit(spec({ frames: '1', tile: '400', settings }));
    const { jobId } = job!;
    const folder = join(farm.config.storeDir, 'jobs', jobId, 'frames');
    const agent = await studio.agent(jobId);
    await farm.processGone();
    const half = readdirSync(folder);
    expect(half.filter((name) => TEMP_FILE_PATTERN.test(name))).toHaveLength(1);
    expect(half, 'nothing under a name of its own').toHaveLength(1);
    await farm.start();
    await studio.state(jobId, 'finished');
    await studio.cleared(jobId);
    await agent.stop();
    expect(agent.tiles, 'nothing is rendered twice').toHaveLength(12);
    await expectWholeFrames(jobId);
    expect(readdirSync(folder).sort()).toEqual(['1.json', 'gradient.0001.exr']);
    await farm.close();
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
    await farm.start();
    await studio.state(jobId, 'finished');
    await studio.cleared(jobId);
    await agent.stop();
    const rendered = agent.tiles.map(({ frame, tile }) => `${frame}/${tile}`);
    expect(new Set(rendered).size).toBe(24);
    expect(rendered).toHaveLength(24);
    await expectWholeFrames(jobId);
    await farm.close();
  });
});
