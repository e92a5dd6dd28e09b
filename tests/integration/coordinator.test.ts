import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JobId } from '#shared/domain/ids.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { digestOf, failedReply, publishResult, renderTile } from '../support/fake-agent.js';
import { farmCalls, leftOnBus, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { pixelDigests } from '../support/pixel-digests.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterEach(async () => {
  if (!farm.isUp) await farm.start();
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const kinds = (events: readonly { kind: string }[]) =>
  events.map((event) => event.kind).filter((kind) => kind !== 'progress');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The EXR digests of a job that nothing went wrong with. */
async function undisturbedDigests(): Promise<string[]> {
  const { job } = await studio.submit();
  const agent = await studio.agent(job!.jobId);
  await studio.state(job!.jobId, 'finished');
  await agent.stop();
  return pixelDigests(studio, job!.jobId);
}

describe('a coordinator', () => {
  it('takes a job, publishes its tiles, collects results and hands out recorded frames', async () => {
    const { job, existed } = await studio.submit();
    expect(existed).toBe(false);
    expect(job).toMatchObject({ tilesPerFrame: 12, state: 'queued' });
    const { jobId } = job!;
    const watching = studio.watch(jobId);
    const agent = await studio.agent(jobId);
    const events = await watching;
    const frameFinished = ['frame_finished', 'frame_finished', 'frame_finished'];
    expect(kinds(events)).toEqual(['submitted', 'started', ...frameFinished, 'finished']);
    expect(events.at(-2)).toMatchObject({ kind: 'progress', progress: { framesFinished: 3, tilesDone: 36 } });
    expect(agent.tiles).toHaveLength(36);
    const records = await studio.frames(jobId);
    expect(records.map(({ frame, state, tilesDone }) => ({ frame, state, tilesDone }))).toEqual(
      [1, 2, 3].map((frame) => ({ frame, state: 'finished', tilesDone: 12 })),
    );
    for (const { frame, files } of records) {
      expect(sha256(await studio.download(jobId, frame, 'exr'))).toBe(files[0]!.digest);
      expect(files[0]!.name).toBe(`gradient.000${frame}.exr`);
    }
    expect(await studio.get(jobId)).toMatchObject({
      state: 'finished',
      progress: { tilesDone: 36, tilesQueued: 0 },
    });
    await studio.cleared(jobId);
    await agent.stop();

    // A watch that resumes gets the rest only; one that comes late gets all of it, and both end.
    const middle = events.find((event) => event.kind === 'started')!.sequence;
    expect(kinds(await studio.watch(jobId, middle))).toEqual([...frameFinished, 'finished']);
    expect(kinds(await studio.watch(jobId))).toHaveLength(6);
    expect(kinds(await studio.watch(jobId, 1_000_000))).toEqual(['finished']);
  });

  it('killed in the middle of a job goes on where it was, and renders no tile again', async () => {
    const wanted = await undisturbedDigests();
    await farm.close();
    await farm.startProcess();
    const { job } = await studio.submit(spec({ frames: '1-3' }));
    const { jobId } = job!;
    const first = await studio.agent(jobId, { tilesMax: 17 });
    await waitUntil(() => first.tiles.length === 17, { timeoutMs: TIMEOUT_MS, describe: '17 tiles' });
    await first.stop();
    await farm.killProcess();
    // While it is down, agents go on with what is queued, and their results wait.
    const second = await studio.agent(jobId, { nodeId: 'fake-2', tilesMax: 9 });
    await waitUntil(() => second.tiles.length === 9, { timeoutMs: TIMEOUT_MS, describe: '9 tiles' });
    await second.stop();
    await studio.fed(jobId, 10, () => farm.start());
    const third = await studio.agent(jobId, { nodeId: 'fake-3' });
    await studio.state(jobId, 'finished');
    await third.stop();
    const tiles = [...first.tiles, ...second.tiles, ...third.tiles];
    expect(new Set(tiles.map(({ frame, tile }) => `${frame}/${tile}`)).size).toBe(36);
    expect(tiles).toHaveLength(36);
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
    await studio.cleared(jobId);
  });

  it('cancels: the queue is empty, agents lose their consumer, late results change nothing', async () => {
    const { job } = await studio.submit(spec({ frames: '1-500' }));
    const { jobId } = job!;
    const agent = await studio.agent(jobId, { tilesMax: 20 });
    await waitUntil(() => agent.tiles.length === 20, { timeoutMs: TIMEOUT_MS, describe: '20 tiles' });
    const watching = studio.watch(jobId);
    expect(await studio.cancel(jobId)).toMatchObject({ state: 'cancelled' });
    expect((await leftOnBus(farm, jobId)).tiles).toBe(0);
    expect((await leftOnBus(farm, jobId)).consumers).toBe(0);
    expect(kinds(await watching).at(-1)).toBe('cancelled');
    expect(await studio.cancel(jobId)).toMatchObject({ state: 'cancelled' });
    await agent.stop();
    await publishResult(farm.bus, renderTile({ ...agent.tiles[0]!, tile: 11, attempt: 9 }, 'late'));
    await studio.cleared(jobId);
    expect(await studio.get(jobId)).toMatchObject({ state: 'cancelled' });
  });

  it('drops garbage and duplicates, joins parts in any order, and gives the same pixels', async () => {
    const wanted = await undisturbedDigests();
    const { job } = await studio.submit();
    const { jobId } = job!;
    const watching = studio.watch(jobId);
    const agent = await studio.agent(jobId, {
      replies: (tile, rendered) => {
        if (tile.attempt > 1) return [rendered];
        const meta = { ...rendered.meta, attempt: 1 };
        const black = encodeTile([{ name: 'beauty', data: new Float32Array(16) }], 2, 2);
        switch (tile.tile) {
          case 0: // twice, the second time with other pixels
            return [
              rendered,
              {
                bytes: black,
                meta: {
                  ...meta,
                  nodeId: 'liar' as never,
                  outcome: { kind: 'rendered', digest: digestOf(black), sizeBytes: black.byteLength },
                },
              },
            ];
          case 1: // bytes that are not those of the digest
            return [{ meta, bytes: rendered.bytes.map((byte) => byte ^ 1) }];
          case 2: // another plan's result, then the right one
            return [{ ...rendered, meta: { ...meta, planId: 'old-plan' as never } }, rendered];
          case 3: // a valid message around a tile of the wrong size: found when the frame is put together
            return [
              {
                bytes: black,
                meta: {
                  ...meta,
                  outcome: { kind: 'rendered', digest: digestOf(black), sizeBytes: black.byteLength },
                },
              },
            ];
          default:
            return [rendered, rendered];
        }
      },
    });
    await farm.bus.js.publish(`test.results.${jobId}.1.0.1.0`, 'no header at all');
    const events = await watching;
    await agent.stop();
    expect(await studio.get(jobId)).toMatchObject({ state: 'finished', progress: { tilesDone: 36 } });
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
    const rejected = events.filter((event) => event.kind === 'result_rejected').map((event) => event.message);
    expect(rejected.some((text) => /node liar .* differs from the result of node fake-1/.test(text))).toBe(
      true,
    );
    expect(rejected.filter((text) => /do not match its digest/.test(text))).toHaveLength(3);
    expect(rejected.filter((text) => /cannot be used/.test(text))).toHaveLength(3);
    await studio.cleared(jobId);
  });

  it('joins a result that came in parts', async () => {
    const { job } = await studio.submit(spec({ frames: '1', tile: '128' }));
    const agent = await studio.agent(job!.jobId, { partBytes: 100 });
    await studio.state(job!.jobId, 'finished');
    await agent.stop();
  });

  it('tries failed attempts again up to the limit; then the frame has failed, and the others go on', async () => {
    const { job } = await studio.submit(spec({ maxAttempts: 3 }));
    const { jobId } = job!;
    const watching = studio.watch(jobId);
    const agent = await studio.agent(jobId, {
      replies: (tile, rendered) => {
        if (tile.frame === 2 && tile.tile === 5) return [failedReply(rendered)];
        if (tile.frame === 3 && tile.tile === 7 && tile.attempt < 3) return [failedReply(rendered)];
        return [rendered];
      },
    });
    const events = await watching;
    await agent.stop();
    expect(await studio.get(jobId)).toMatchObject({
      state: 'finished_with_failures',
      progress: { framesFinished: 2, framesFailed: 1, tilesFailed: 1 },
    });
    expect((await studio.frames(jobId)).map(({ state }) => state)).toEqual([
      'finished',
      'failed',
      'finished',
    ]);
    expect(kinds(events).filter((kind) => kind === 'attempt_failed')).toHaveLength(5);
    expect(events.find((event) => event.kind === 'tile_failed')).toMatchObject({
      frame: 2,
      tile: 5,
      attempt: 3,
    });
    await studio.cleared(jobId);
  });

  it('misses no result of one frame while it purges those of others', async () => {
    const { job } = await studio.submit(spec({ frames: '1-150' }));
    const { jobId, tilesPerFrame } = job!;
    const agent = await studio.agent(jobId);
    await studio.state(jobId, 'finished');
    expect(agent.tiles).toHaveLength(150 * tilesPerFrame);
    expect(agent.tiles.every((tile) => tile.attempt === 1)).toBe(true);
    await agent.stop();
    await studio.cleared(jobId);
  });

  it('gives up at once on what no node could ever render', async () => {
    const { job } = await studio.submit(spec({ frames: '1' }));
    const agent = await studio.agent(job!.jobId, {
      replies: (_tile, rendered) => [failedReply(rendered, true)],
    });
    await studio.state(job!.jobId, 'finished_with_failures');
    await agent.stop();
    await studio.cleared(job!.jobId);
  });

  it('loses nothing when the NATS server is killed in the middle of a job', async () => {
    const wanted = await undisturbedDigests();
    const { job } = await studio.submit();
    const { jobId } = job!;
    const watching = studio.watch(jobId);
    const first = await studio.agent(jobId, { tilesMax: 10 });
    await waitUntil(() => first.tiles.length === 10, { timeoutMs: TIMEOUT_MS, describe: '10 tiles' });
    await first.stop();
    await farm.restartNats();
    const second = await studio.agent(jobId, { nodeId: 'fake-2' });
    await studio.state(jobId, 'finished');
    await second.stop();
    expect(await pixelDigests(studio, jobId)).toEqual(wanted);
    expect(kinds(await watching).at(-1)).toBe('finished');
    await studio.cleared(jobId);
  });

  it('goes on when JetStream has lost everything: only tiles of unfinished frames are rendered again', async () => {
    const { job } = await studio.submit();
    const { jobId } = job!;
    const first = await studio.agent(jobId, { tilesMax: 15 });
    await waitUntil(async () => (await studio.get(jobId)).progress!.framesFinished === 1, {
      timeoutMs: TIMEOUT_MS,
      describe: 'a finished frame',
    });
    await first.stop();
    await farm.restartNats({ loseStore: true });
    const { jsm, names } = farm.bus;
    await waitUntil(() => jsm.streams.info(names.tilesStream).catch(() => undefined), {
      timeoutMs: TIMEOUT_MS,
      describe: 'new streams',
    });
    await waitUntil(() => jsm.streams.info(`KV_${names.jobsBucket}`).catch(() => undefined), {
      timeoutMs: TIMEOUT_MS,
      describe: 'new buckets',
    });
    const second = await studio.agent(jobId, { nodeId: 'fake-2' });
    await studio.state(jobId, 'finished');
    expect(second.tiles.every((tile) => tile.frame !== 1)).toBe(true);
    await second.stop();
    await studio.cleared(jobId);
  });

  it('queues tiles again that have vanished from the queue', async () => {
    const { job } = await studio.submit(spec({ frames: '1' }));
    const { jobId } = job!;
    await waitUntil(async () => (await leftOnBus(farm, jobId)).tiles === 12, {
      timeoutMs: TIMEOUT_MS,
      describe: 'tiles queued',
    });
    await farm.bus.jsm.streams.purge(farm.bus.names.tilesStream, {
      filter: farm.bus.names.tilesOfJob(jobId as JobId),
    });
    const agent = await studio.agent(jobId);
    await studio.state(jobId, 'finished');
    expect(agent.tiles.every((tile) => tile.attempt === 2)).toBe(true);
    await agent.stop();
  });
});
