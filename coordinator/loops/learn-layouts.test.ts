/** Frames are cut by what tiles of others took: with the store as it is, and results that come in at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Region } from '#shared/domain/region.js';
import { createLogger } from '#shared/log.js';
import { testRecord, testResult } from '#tests/support/live-jobs.js';
import { NO_RETRIES } from '../adapters/store/records.js';
import { openStore, type Store } from '../adapters/store/store.js';
import type { Farm } from '../farm.js';
import { tileColumns } from '../jobs/finished-tiles.js';
import { JobRegistry } from '../jobs/job-registry.js';
import type { LiveFrame } from '../jobs/live-frame.js';
import { LiveJob } from '../jobs/live-job.js';
import { LayoutLearner } from './learn-layouts.js';

const A = 'a' as NodeId;
const SIZE = { widthPx: 256, heightPx: 256 };
const log = createLogger('test', 'silent');
let folder: string;
let store: Store;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-layouts-'));
  store = await openStore(folder, log);
});
afterAll(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The lower right quarter is 50 times as dear as the rest: 3 min of core time in all. */
function renderMs({ x0, y0, x1, y1 }: Region): number {
  let ms = 0;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) ms += x >= 128 && y >= 128 ? 10 : 0.2;
  return ms;
}

function learning(slots = 4) {
  const jobs = new JobRegistry();
  const told: string[] = [];
  const events = { publish: async (event: { kind: string }) => void told.push(event.kind) };
  const farm = { jobs, store, log, events, signal: new AbortController().signal } as unknown as Farm;
  let wentOn = 0;
  const learner = new LayoutLearner(farm, {
    slotsOf: () => slots,
    slotsOfFarm: () => slots,
    mayGoOn: () => wentOn++,
  });
  learner.start();
  return { jobs, learner, told, wentOn: () => wentOn };
}

async function newJob(changes: Partial<JobRecord> = {}, samples = 64): Promise<JobRecord> {
  const record = testRecord({ frames: [1, 2, 3, 4], ...SIZE, tilePx: 64 });
  const settings = { ...record.settings, samples };
  const job = { ...record, tile: 'auto', settings, ...changes };
  await store.jobs.create(job);
  return job;
}

/** Results of the tiles of a frame come in, each after the time that its pixels take. */
function finish(job: LiveJob, frame: LiveFrame, learner: LayoutLearner, count = frame.layout.count): void {
  for (let tile = 0; tile < count; tile++) {
    const isLast = job.place(frame, tile, {
      ...testResult(A, 1),
      renderMs: renderMs(frame.layout.regionOfTile(tile)) + 3,
    });
    learner.tileDone(job, frame);
    if (isLast) learner.frameComplete(job, frame);
  }
}

describe('what is learnt of tiles', () => {
  it('cuts the frames that have not begun by cost, once that is recorded, and again the same after a restart', async () => {
    const record = await newJob();
    const { jobs, learner, told, wentOn } = learning();
    const job = new LiveJob(record);
    jobs.addLive(job);
    for (let tile = 0; tile < 17; tile++) job.takeNextTile();
    finish(job, job.openFrame(1)!, learner);
    await learner.idle();
    expect(told).toEqual(['planned']);
    expect(wentOn()).toBeGreaterThan(0);
    expect([1, 2, 3, 4].map((frame) => job.frames.layoutOf(frame).id)).toEqual([0, 0, 1, 1]);
    const { newest } = job.layouts;
    const times = Array.from({ length: newest.count }, (_, tile) => renderMs(newest.regionOfTile(tile)));
    expect(Math.max(...times), 'no tile is longer than is wanted').toBeLessThan(6_000);
    expect(Math.max(...times.slice(-4)), 'the last ones are short').toBeLessThan(1_500);
    expect(times[0]! / newest.expectedMsOf(0)).toBeGreaterThan(0.8);
    const stored = await store.jobs.readLayouts(record.jobId);
    const again = new LiveJob(record, [], NO_RETRIES, stored);
    for (const frame of [1, 2, 3, 4]) {
      const [before, after] = [job.frames.layoutOf(frame), again.frames.layoutOf(frame)];
      expect(after.planId).toBe(before.planId);
      expect(after.regionOfTile(after.count - 1)).toEqual(before.regionOfTile(before.count - 1));
    }
    finish(job, job.openFrame(3)!, learner);
    await learner.idle();
    expect(told, 'nothing is left to gain').toEqual(['planned']);
  });

  it('begins no frame while it decides, and learns from a quarter of the first one', async () => {
    const record = await newJob();
    const { jobs, learner } = learning();
    const job = new LiveJob(record);
    jobs.addLive(job);
    const first = job.takeNextTile()!.frame;
    finish(job, first, learner, 4);
    while (job.takeNextTile());
    expect(job.openFrame(1)!.tileStates.every((state) => state > 0)).toBe(true);
    await learner.idle();
    const { newest } = job.layouts;
    for (let tile = 0; tile < newest.count; tile++) {
      const { x0, x1 } = newest.regionOfTile(tile);
      expect(x1 - x0, 'what is not known yet is not cut larger').toBeLessThanOrEqual(64);
    }
  });

  it('is not asked where tiles are as somebody wanted them, and not where there is nothing to gain', async () => {
    const { jobs, learner, told } = learning();
    for (const record of [await newJob({ tile: '64' }), await newJob({ frames: [1] })]) {
      const job = new LiveJob(record);
      jobs.addLive(job);
      finish(job, job.openFrame(1)!, learner);
    }
    await learner.idle();
    expect(told).toEqual([]);
  });

  it('leaves frames as they are when it cannot be recorded', async () => {
    const record = await newJob();
    const { jobs, learner, told, wentOn } = learning();
    const job = new LiveJob({ ...record, jobId: `${record.jobId}0` as typeof record.jobId });
    jobs.addLive(job);
    finish(job, job.openFrame(1)!, learner);
    await learner.idle();
    expect(told).toEqual([]);
    expect(wentOn()).toBeGreaterThan(0);
    expect(job.layouts.newest.id).toBe(0);
    expect(job.takeNextTile()).toMatchObject({ frame: { frame: 2 } });
  });
});

describe('a preview', () => {
  it('holds its job until it has ended, and tells it where the time goes', async () => {
    const preview = await newJob({}, 4);
    const record = await newJob();
    const { jobs, learner } = learning();
    const schedule = { ...record.schedule, previewJobId: preview.jobId };
    const job = new LiveJob({ ...record, schedule });
    jobs.addLive(new LiveJob(preview));
    jobs.addLive(job);
    learner.jobOpened(job);
    expect(job.takeNextTile()).toBeUndefined();
    const { grid } = job;
    const results = Array.from({ length: grid.count }, (_, tile) => ({
      ...testResult(A, 1),
      renderMs: renderMs(grid.regionOfTile(tile)) / 16 + 3,
    }));
    await store.jobs.writeFrame(preview.jobId, {
      ...{ state: 'finished', frame: 1, tilesTotal: grid.count, tilesDone: grid.count, layout: 0 },
      ...{ coreSeconds: 1, finishedAtMs: 1, nodeIds: [A], attemptsFailed: 0, tilesSpeculated: 0 },
      ...{ tilesVerified: 0, tiles: tileColumns(results), retry: 0, files: [] },
    });
    const counts = { tilesDone: 1, tilesFailed: 0, coreSeconds: 1, attemptsFailed: 0, tilesSpeculated: 0 };
    const ended = {
      framesFinished: 1,
      framesFailed: 0,
      ...counts,
      tilesVerified: 0,
      tilesTotal: 1,
      retry: 0,
    };
    jobs.addEnded({ record: preview, ended: { state: 'finished', finishedAtMs: 1, ...ended } });
    learner.jobEnded(preview.jobId);
    await learner.idle();
    const first = job.takeNextTile()!;
    expect(first.frame.layout.id).toBe(1);
    const expectedMs = first.frame.layout.expectedMsOf(first.tile);
    const region = first.frame.layout.regionOfTile(first.tile);
    expect(renderMs(region) / expectedMs).toBeGreaterThan(0.8);
    expect(renderMs(region) / expectedMs).toBeLessThan(1.25);
  });

  it('that nobody knows any more holds nothing up', async () => {
    const record = await newJob();
    const { jobs, learner, wentOn } = learning();
    const schedule = { ...record.schedule, previewJobId: record.jobId.replace('test', 'gone') as never };
    const job = new LiveJob({ ...record, schedule });
    jobs.addLive(job);
    expect(job.isHeld).toBe(true);
    learner.jobOpened(job);
    await learner.idle();
    expect(job.isHeld).toBe(false);
    expect(wentOn()).toBe(1);
  });
});
