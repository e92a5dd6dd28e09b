import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type JobId, newIdempotencyKey, newJobId, newPlanId, nodeIdSchema } from '#shared/domain/ids.js';
import { type JobRecord, jobRecordSchema, renderSettingsSchema } from '#shared/domain/job.js';
import { createLogger } from '#shared/log.js';
import { storeError, writeDurably } from './durable-file.js';
import { openStore } from './store.js';

const log = createLogger('test', 'silent');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-store-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function record(createdAtMs = 1): JobRecord {
  return jobRecordSchema.parse({
    jobId: newJobId('test'),
    name: 'test',
    studio: 'default',
    idempotencyKey: newIdempotencyKey(),
    requestDigest: 'ab'.repeat(32),
    manifest: { entry: 's', files: [{ path: 's', digest: 'cd'.repeat(32), sizeBytes: 1 }] },
    frames: [1, 2],
    settings: renderSettingsSchema.parse({}),
    plan: { planId: newPlanId(), tileWidthPx: 16, tileHeightPx: 16 },
    tile: 'auto',
    maxAttempts: 4,
    warnings: [],
    createdAtMs,
  });
}

const A = nodeIdSchema.parse('a');

const frameResult = (frame: number) => ({
  state: 'finished' as const,
  frame,
  tilesTotal: 1,
  layout: 0,
  tilesDone: 1,
  coreSeconds: 1,
  finishedAtMs: 1,
  nodeIds: [],
  tiles: { nodeIds: [A], nodes: [0], attempts: [2], renderMs: [1_200], agreedNodes: [] },
  files: [],
  attemptsFailed: 2,
  tilesSpeculated: 1,
  tilesVerified: 0,
  retry: 0,
});

describe('the store', () => {
  it('gives back jobs, frames and ends after it was opened again', async () => {
    const [running, ended] = [record(1), record(2)];
    {
      await using store = await openStore(folder, log);
      await store.jobs.create(running);
      await store.jobs.create(ended);
      await store.jobs.writeFrame(running.jobId, frameResult(2));
      await store.jobs.writeEnd(ended.jobId, {
        state: 'cancelled',
        finishedAtMs: 3,
        framesFinished: 0,
        framesFailed: 0,
        tilesDone: 0,
        tilesFailed: 0,
        coreSeconds: 0,
        attemptsFailed: 0,
        tilesSpeculated: 0,
        tilesVerified: 0,
        tilesTotal: 8,
        retry: 0,
      });
    }
    await using store = await openStore(folder, log);
    const jobs = await store.jobs.loadAll();
    expect(jobs.map((job) => job.record)).toEqual([running, ended]);
    expect(jobs[0]).toMatchObject({ ended: undefined, frames: [{ frame: 2, state: 'finished' }] });
    expect(jobs[1]).toMatchObject({ ended: { state: 'cancelled' }, frames: [] });
    expect(await store.jobs.readFrame(running.jobId, 1)).toBeUndefined();
  });

  it('takes a retry as one write: failed records and an end from before it no longer count, later ones do', async () => {
    await using store = await openStore(folder, log);
    const job = record();
    const { jobId } = job;
    const { files: _files, ...common } = frameResult(2);
    const failed = { ...common, state: 'failed' as const, reason: 'no', failedTiles: [], attemptsUsed: 4 };
    const ended = {
      framesFinished: 1,
      framesFailed: 1,
      tilesDone: 1,
      tilesFailed: 1,
      coreSeconds: 1,
      attemptsFailed: 0,
      tilesSpeculated: 0,
      tilesVerified: 0,
      tilesTotal: 8,
      retry: 0,
    };
    const end = { ...ended, state: 'finished_with_failures' as const, finishedAtMs: 3 };
    await store.jobs.create(job);
    await store.jobs.writeFrame(jobId, frameResult(1));
    await store.jobs.writeFrame(jobId, failed);
    await store.jobs.writeEnd(jobId, end);
    const shown = async () => {
      const [stored] = await store.jobs.loadAll();
      return { hasEnded: stored!.ended !== undefined, frames: stored!.frames.map(({ frame }) => frame) };
    };
    expect(await shown()).toEqual({ hasEnded: true, frames: [] });
    expect((await store.jobs.readFrames(jobId)).map(({ frame }) => frame).sort()).toEqual([1, 2]);
    await store.jobs.writeRetries(jobId, { count: 1, frames: [{ frame: 2, retry: 1, attemptsBefore: 4 }] });
    expect(await shown()).toEqual({ hasEnded: false, frames: [1] });
    expect(await store.jobs.readFrame(jobId, 2)).toEqual(failed);
    await store.jobs.writeFrame(jobId, { ...failed, retry: 1 });
    expect((await shown()).frames.sort()).toEqual([1, 2]);
    await store.jobs.writeEnd(jobId, { ...end, retry: 1 });
    expect(await shown()).toEqual({ hasEnded: true, frames: [] });
  });

  it('gives back who rendered which tile, and of an older record that it does not say', async () => {
    await using store = await openStore(folder, log);
    const job = record();
    await store.jobs.create(job);
    await store.jobs.writeFrame(job.jobId, frameResult(1));
    expect(await store.jobs.readFrame(job.jobId, 1)).toEqual(frameResult(1));
    const { tiles: _tiles, ...older } = frameResult(2);
    const path = join(folder, 'jobs', job.jobId, 'frames', '2.json');
    await writeFile(path, JSON.stringify(older));
    expect(await store.jobs.readFrame(job.jobId, 2)).toEqual({
      ...older,
      tiles: { nodeIds: [], nodes: [], attempts: [], renderMs: [], agreedNodes: [] },
    });
    for (const damage of [{ attempts: [] }, { nodes: [-2] }, { renderMs: [0.5] }, { agreedNodes: 1 }]) {
      await writeFile(path, JSON.stringify({ ...older, tiles: { ...frameResult(2).tiles, ...damage } }));
      await expect(store.jobs.readFrame(job.jobId, 2), JSON.stringify(damage)).rejects.toThrow(/damaged/);
    }
  });

  it('sets a job with a corrupt record aside, renders a frame with a corrupt record again, and keeps the others', async () => {
    const [broken, fine] = [record(1), record(2)];
    await using store = await openStore(folder, log);
    await store.jobs.create(broken);
    await store.jobs.create(fine);
    await store.jobs.writeFrame(fine.jobId, frameResult(1));
    await store.jobs.writeFrame(fine.jobId, frameResult(2));
    await writeFile(join(folder, 'jobs', broken.jobId, 'job.json'), '{"jobId": 3');
    await writeFile(join(folder, 'jobs', fine.jobId, 'frames', '1.json'), '{}');
    const jobs = await store.jobs.loadAll();
    expect(jobs.map((job) => job.record.jobId)).toEqual([fine.jobId]);
    expect(jobs[0]!.frames.map(({ frame }) => frame)).toEqual([2]);
  });

  it('takes a damaged end for none, and keeps a job whose frames and record are whole', async () => {
    await using store = await openStore(folder, log);
    const job = record();
    await store.jobs.create(job);
    await store.jobs.writeFrame(job.jobId, frameResult(1));
    await writeFile(join(folder, 'jobs', job.jobId, 'ended.json'), '{"state":"fini');
    const [stored] = await store.jobs.loadAll();
    expect(stored).toMatchObject({ ended: undefined, frames: [{ frame: 1 }], damaged: ['ended.json'] });
  });

  it('takes damaged retries for as many as the other records tell of, with no frame open', async () => {
    await using store = await openStore(folder, log);
    const job = record();
    const { jobId } = job;
    const { files: _files, ...common } = frameResult(2);
    await store.jobs.create(job);
    await store.jobs.writeFrame(jobId, { ...frameResult(1), retry: 2 });
    await store.jobs.writeFrame(jobId, {
      ...{ ...common, state: 'failed' as const, reason: 'no', failedTiles: [], attemptsUsed: 4 },
    });
    await writeFile(join(folder, 'jobs', jobId, 'retries.json'), '\0\0');
    const [stored] = await store.jobs.loadAll();
    expect(stored).toMatchObject({ retries: { count: 2, frames: [] }, damaged: ['retries.json'] });
    expect(stored!.frames.map(({ frame, state }) => [frame, state]).sort()).toEqual([
      [1, 'finished'],
      [2, 'failed'],
    ]);
  });

  it('names a damaged frame record without its folder, and lists the others', async () => {
    await using store = await openStore(folder, log);
    const job = record();
    await store.jobs.create(job);
    await store.jobs.writeFrame(job.jobId, frameResult(1));
    await writeFile(join(folder, 'jobs', job.jobId, 'frames', '2.json'), '{}');
    await expect(store.jobs.readFrame(job.jobId, 2)).rejects.toThrow(/^2\.json is damaged/);
    expect((await store.jobs.readFrames(job.jobId)).map(({ frame }) => frame)).toEqual([1]);
  });

  it('forgets what a killed coordinator left half-written', async () => {
    const job = record();
    {
      await using store = await openStore(folder, log);
      await store.jobs.create(job);
    }
    const inJob = join(folder, 'jobs', job.jobId);
    const [unrecorded, backup] = [newJobId('killed'), 'backup'];
    for (const name of [unrecorded, backup])
      await mkdir(join(folder, 'jobs', name, 'frames'), { recursive: true });
    await writeFile(join(folder, 'jobs', unrecorded, 'job.json.7.0.tmp'), '{"jo');
    await writeFile(join(inJob, 'ended.json.1.2.tmp'), 'half');
    await writeFile(join(inJob, 'frames', '.test.0001.exr.0123456789ab.tmp'), 'half');
    await writeFile(join(inJob, 'mine.tmp'), 'an admin’s own');
    await using store = await openStore(folder, log);
    expect(await readdir(inJob)).toEqual(['frames', 'job.json', 'mine.tmp']);
    expect(await readdir(join(inJob, 'frames'))).toEqual([]);
    expect((await readdir(join(folder, 'jobs'))).sort()).toEqual([backup, job.jobId].sort());
    expect(await store.jobs.loadAll()).toHaveLength(1);
  });

  it('belongs to one live coordinator at a time; a lock whose owner is gone is taken over', async () => {
    const path = join(folder, 'coordinator.lock');
    {
      await using _store = await openStore(folder, log);
      await expect(openStore(folder, log)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    }
    // Gone; written by half; this very process number, but from before a restart of the machine.
    const dead = { pid: 2 ** 22 + 1, host: hostname(), startedAt: 'boot/1' };
    for (const lock of [JSON.stringify(dead), '{"pi', JSON.stringify({ ...dead, pid: process.pid })]) {
      await writeFile(path, lock);
      await using _store = await openStore(folder, log);
      expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    }
    // Several at once, over a dead owner's lock: one gets it.
    await writeFile(path, JSON.stringify(dead));
    const opened = await Promise.allSettled(Array.from({ length: 8 }, () => openStore(folder, log)));
    const held = opened.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(held).toHaveLength(1);
    await held[0]![Symbol.asyncDispose]();
    expect((await readdir(folder)).sort()).toEqual(['admin', 'blobs', 'jobs', 'nodes', 'uploads']);
    await writeFile(path, JSON.stringify({ ...dead, host: 'elsewhere' }));
    await expect(openStore(folder, log)).rejects.toThrow(/process \d+ on elsewhere; stop it/);
  });

  it('leaves what was there when a write fails, and no temporary file', async () => {
    const path = join(folder, 'a.json');
    await writeDurably(path, 'one');
    await writeDurably(path, 'two');
    expect(await readFile(path, 'utf8')).toBe('two');
    await expect(writeDurably(join(folder, 'nowhere', 'b.json'), 'x')).rejects.toThrow(/ENOENT/);
    expect(await readdir(folder)).toEqual(['a.json']);
    expect(storeError(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }), path)).toMatchObject({
      code: 'DISK_FULL',
    });
  });

  it('knows no job that it was not told of', async () => {
    await using store = await openStore(folder, log);
    expect(await store.jobs.readFrame('nobody' as JobId, 1)).toBeUndefined();
  });
});
