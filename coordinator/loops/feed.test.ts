import { describe, expect, it } from 'vitest';
import { busNames } from '#shared/bus/subjects.js';
import type { NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import { testJob, testResult } from '#tests/support/live-jobs.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import { feeder, holdsIsolatedBack, windowOf } from './feed.js';

const newJob = (tiles: number) => testJob({ widthPx: 16 * tiles });

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
  for (let tile = first; tile < first + count; tile++) job.place(frame, tile, testResult('a' as NodeId, 1));
}

describe('the feeder', () => {
  it("gives each job an equal share of the queue, and never less than a few nodes' slots need", () => {
    const windows = [0, 1, 25, 26, 100, 781, 10_000].map((jobs) => windowOf(jobs));
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
