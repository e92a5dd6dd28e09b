/** Retries and their events at the worst moments: in a running job, and with the coordinator killed in between. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { failedReply } from '../support/fake-agent.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.startProcess();
  await studio.upload(SCENE);
});
afterEach(async () => {
  if (!farm.isUp) await farm.startProcess();
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const framesFailed = (jobId: string, count: number) =>
  waitUntil(async () => (await studio.get(jobId)).progress!.framesFailed === count, {
    timeoutMs: TIMEOUT_MS,
    describe: `${count} failed frames`,
  });

/** What is told of attempts, by frame, tile and attempt; each once. */
async function told(jobId: string): Promise<string[]> {
  const events = await studio.watch(jobId, 0, true);
  return events.map(({ kind, frame, tile, attempt }) =>
    [kind, frame, tile, attempt].filter((part) => part !== undefined).join(' '),
  );
}

describe('a retry', () => {
  it('of a running job renders the failed frame again and disturbs no other', async () => {
    const { job } = await studio.submit(spec({ maxAttempts: 1 }));
    const { jobId } = job!;
    // Frame 1 fails with its first tile; half of frame 2 is rendered by then.
    const first = await studio.agent(jobId, {
      tilesMax: 18,
      replies: (tile, rendered) => [tile.frame === 1 && tile.tile === 5 ? failedReply(rendered) : rendered],
    });
    await framesFailed(jobId, 1);
    await waitUntil(() => first.tiles.length === 18, { timeoutMs: TIMEOUT_MS, describe: '18 tiles' });
    await first.stop();
    await expect(studio.retry(jobId, '2-3')).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
    const { frames, job: retried } = await studio.retry(jobId);
    expect({ frames, state: retried!.state }).toEqual({ frames: '1', state: 'running' });
    expect(retried!.progress).toMatchObject({ framesFailed: 0, tilesFailed: 0 });
    expect((await studio.frames(jobId))[0]!.state).not.toBe('failed');
    await expect(studio.retry(jobId)).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
    const second = await studio.agent(jobId, { nodeId: 'fake-2' });
    await studio.state(jobId, 'finished');
    await second.stop();
    const others = [...first.tiles, ...second.tiles].filter((tile) => tile.frame !== 1);
    expect(others).toHaveLength(24);
    const again = second.tiles.filter((tile) => tile.frame === 1 && tile.attempt === 2);
    expect(again).toHaveLength(12);
    expect(await studio.get(jobId)).toMatchObject({ progress: { framesFinished: 3, tilesDone: 36 } });
    await studio.cleared(jobId);
  });

  it('is refused for a cancelled job, and cancels like any run', async () => {
    const { job } = await studio.submit(spec({ maxAttempts: 1, frames: '1-2' }));
    const { jobId } = job!;
    const failing = await studio.agent(jobId, { replies: (_tile, rendered) => [failedReply(rendered)] });
    await studio.state(jobId, 'finished_with_failures');
    await failing.stop();
    await studio.retry(jobId, '2');
    expect(await studio.cancel(jobId)).toMatchObject({ state: 'cancelled' });
    await expect(studio.retry(jobId)).rejects.toMatchObject({ code: 'JOB_ALREADY_FINISHED' });
    await farm.killProcess();
    await farm.startProcess();
    expect(await studio.get(jobId)).toMatchObject({ state: 'cancelled' });
    expect((await studio.frames(jobId)).map(({ state }) => state)).toEqual(['failed', 'failed']);
    await studio.cleared(jobId);
  });

  it('goes on after a kill right behind its answer, and behind its first results', async () => {
    const { job } = await studio.submit(spec({ maxAttempts: 2, frames: '1-2' }));
    const { jobId } = job!;
    const failing = await studio.agent(jobId, {
      replies: (tile, rendered) => [tile.tile === 3 ? failedReply(rendered) : rendered],
    });
    await studio.ended(jobId, 'finished_with_failures');
    await failing.stop();
    await studio.retry(jobId);
    await farm.killProcess();
    await studio.fed(jobId, 24, () => farm.startProcess());
    expect(await studio.get(jobId)).toMatchObject({
      state: 'running',
      progress: { framesFailed: 0, tilesDone: 0 },
    });
    const first = await studio.agent(jobId, { tilesMax: 7 });
    await waitUntil(() => first.tiles.length === 7, { timeoutMs: TIMEOUT_MS, describe: '7 tiles' });
    await first.stop();
    await farm.killProcess();
    await studio.fed(jobId, 17, () => farm.startProcess());
    const second = await studio.agent(jobId, { nodeId: 'fake-2' });
    await studio.state(jobId, 'finished');
    await second.stop();
    const again = [...first.tiles, ...second.tiles].map(
      ({ frame, tile, attempt }) => `${frame}/${tile}/${attempt}`,
    );
    expect(again, again.join(' ')).toHaveLength(24);
    await studio.cleared(jobId);
    await studio.told(jobId, 'finished', 2);
    const story = await told(jobId);
    expect(new Set(story.filter((line) => line !== 'finished')).size).toBe(story.length - 2);
    expect(story.filter((line) => /^(retried|started|submitted|finished)/.test(line))).toEqual([
      ...['submitted', 'started', 'finished', 'retried', 'finished'],
    ]);
    // A watch from the start tells both ends and stops at the second.
    expect((await studio.watch(jobId)).filter(({ kind }) => kind === 'finished')).toHaveLength(2);
  });
});

describe('the events of a job', () => {
  it('tell each failure once, whether the coordinator was there, was killed since, or was away when it came', async () => {
    const { job } = await studio.submit(spec({ frames: '1', maxAttempts: 3 }));
    const { jobId } = job!;
    const failing = (tilesMax: number) =>
      studio.agent(jobId, { tilesMax, replies: (_tile, rendered) => [failedReply(rendered)] });
    const first = await failing(3);
    await studio.told(jobId, 'attempt_failed', 3);
    await first.stop();
    await farm.killProcess();
    const away = await failing(2);
    await waitUntil(() => away.tiles.length === 2, { timeoutMs: TIMEOUT_MS, describe: 'two more failures' });
    await away.stop();
    await farm.startProcess();
    await studio.told(jobId, 'attempt_failed', 5);
    const tiles = [...first.tiles, ...away.tiles].map(({ tile }) => `attempt_failed 1 ${tile} 1`);
    expect((await told(jobId)).sort()).toEqual([...tiles, 'started', 'submitted'].sort());
    await studio.cancel(jobId);
  });
});
