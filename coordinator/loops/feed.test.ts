import { describe, expect, it } from 'vitest';
import { busNames } from '#shared/bus/subjects.js';
import { type Digest, type NodeId, newIdempotencyKey, newJobId, newPlanId } from '#shared/domain/ids.js';
import { jobRecordSchema, renderSettingsSchema } from '#shared/domain/job.js';
import { LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import { LiveJob } from '../jobs/live-job.js';
import { feeder, holdsIsolatedBack, windowOf } from './feed.js';

function newJob(tiles: number): LiveJob {
  return new LiveJob(
    jobRecordSchema.parse({
      jobId: newJobId('test'),
      name: 'test',
      studio: 'default',
      idempotencyKey: newIdempotencyKey(),
      requestDigest: 'ab'.repeat(32),
      manifest: { entry: 's', files: [{ path: 's', digest: 'cd'.repeat(32), sizeBytes: 1 }] },
      frames: [1],
      settings: renderSettingsSchema.parse({ widthPx: 16 * tiles, heightPx: 16 }),
      plan: { planId: newPlanId(), tileWidthPx: 16, tileHeightPx: 16 },
      tile: '16',
      maxAttempts: 4,
      warnings: [],
      createdAtMs: 1,
    }),
  );
}

function jobWithIsolatedTile(): LiveJob {
  const job = newJob(1);
  const { frame, tile } = job.takeNextTile()!;
  job.isolate(frame, tile);
  return job;
}

/** Results of so many of a job's tiles come in. */
function finish(job: LiveJob, count: number): void {
  const frame = job.openFrame(1)!;
  const first = frame.doneCount;
  for (let tile = first; tile < first + count; tile++)
    job.place(frame, tile, {
      digest: 'aa'.repeat(32) as Digest,
      nodeId: 'a' as NodeId,
      attempt: 1,
      renderer: 'x',
      sequences: [1],
      sizeBytes: 1,
      coreSeconds: 1,
      renderMs: 1,
      bytes: undefined,
    });
}

describe('the feeder', () => {
  it("gives each job an equal share of the queue, and never less than a few nodes' slots need", () => {
    const windows = [0, 1, 25, 26, 100, 781, 10_000].map(windowOf);
    expect(windows).toEqual([2_000, 2_000, 2_000, 1_923, 500, 64, 64]);
    for (let jobs = 1; jobs < 780; jobs++)
      expect(jobs * windowOf(jobs)).toBeLessThanOrEqual(LIMITS.queuedTilesMax);
  });

  it('gives a job that comes late its share, as soon as those before it have room', async () => {
    const jobs = Array.from({ length: 25 }, () => newJob(2_040));
    let sequence = 0;
    const farm = {
      jobs: { liveJobs: () => jobs },
      bus: { names: busNames('test'), publisher: { publish: async () => ++sequence } },
      signal: new AbortController().signal,
    } as unknown as Farm;
    const feed = feeder(farm, { workersOf: () => [], isWithoutWorkers: () => false });
    feed.start();
    const queued = () => jobs.map((job) => job.tilesQueued);
    await expect.poll(queued, { interval: 5 }).toEqual(jobs.map(() => 2_000));
    jobs.push(newJob(2_040));
    finish(jobs[0]!, 100);
    feed.kick();
    await expect.poll(() => jobs[25]!.tilesQueued, { interval: 5 }).toBe(100);
    expect(jobs[0]!.tilesQueued, 'it had more than its share').toBe(1_900);
    for (const job of jobs.slice(0, 25)) finish(job, 100);
    feed.kick();
    await expect.poll(() => jobs[25]!.tilesQueued, { interval: 5 }).toBe(windowOf(26));
  });

  it('holds isolated tiles back only for one that some node can take', () => {
    const job = jobWithIsolatedTile();
    const withWorkers = { isWithoutWorkers: () => false };
    expect(holdsIsolatedBack(job, withWorkers), 'it waits itself').toBe(false);
    job.takeNextTile();
    expect(holdsIsolatedBack(job, withWorkers)).toBe(true);
    const isWithoutWorkers = (jobId: string) => jobId === job.jobId;
    expect(holdsIsolatedBack(job, { isWithoutWorkers })).toBe(false);
  });
});
