import { expect, it } from 'vitest';
import { digestSchema } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import { testRecord } from '#tests/support/live-jobs.js';
import { endedRecordSchema } from '../adapters/store/records.js';
import { JobRegistry, viewOf } from './job-registry.js';
import { JobWaits } from './job-waits.js';
import { LiveJob } from './live-job.js';

function record(createdAtMs: number): JobRecord {
  const digest = digestSchema.parse(String(createdAtMs % 10).repeat(64));
  return testRecord({
    ...{ frames: [1, 2, 5], widthPx: 100, heightPx: 70, tilePx: 32, createdAtMs },
    manifest: { entry: 's', files: [{ path: 's', digest, sizeBytes: 1 }] },
  });
}

const ended = endedRecordSchema.parse({
  ...{ state: 'cancelled', finishedAtMs: 3, framesFinished: 1, framesFailed: 0 },
  ...{ tilesDone: 12, tilesFailed: 0, coreSeconds: 2 },
});

it('an ended job is shown as before, from less memory, and its blobs stay referred to', () => {
  const jobs = new JobRegistry();
  const [first, second] = [record(1), record(2)];
  jobs.addLive(new LiveJob(first));
  jobs.addLive(new LiveJob(second));
  const before = jobs.view(first.jobId);
  jobs.addEnded({ record: first, ended });
  const after = jobs.view(first.jobId);
  expect(after.record).toEqual(first);
  expect(after).toMatchObject({ state: 'cancelled', finishedAtMs: 3, tilesPerFrame: before.tilesPerFrame });
  expect(after.progress).toMatchObject({ framesTotal: 3, framesFinished: 1, tilesTotal: 36, tilesDone: 12 });
  expect(jobs.byKey(first.idempotencyKey)).toEqual(first);
  expect([...jobs.newestFirst()].map(({ jobId }) => jobId)).toEqual([second.jobId, first.jobId]);
  expect(jobs.liveJobs().map(({ jobId }) => jobId)).toEqual([second.jobId]);
  expect(['1', '2', '3'].map((digit) => jobs.isReferenced(digit.repeat(64)))).toEqual([true, true, false]);
  expect(viewOf(jobs.get(first.jobId)).waitsFor).toBeUndefined();
});

it('ended jobs are counted as they are now, through retries', () => {
  const jobs = new JobRegistry();
  const first = record(1);
  jobs.addLive(new LiveJob(first));
  expect(jobs.ended).toMatchObject({ tilesDone: 0, jobs: { cancelled: 0, finished: 0 } });
  jobs.addEnded({ record: first, ended });
  expect(jobs.ended).toMatchObject({ tilesDone: 12, jobs: { cancelled: 1, finished: 0 } });
  jobs.addLive(new LiveJob(first));
  expect(jobs.ended).toMatchObject({ tilesDone: 0, jobs: { cancelled: 0 } });
  jobs.addEnded({ record: first, ended: { ...ended, state: 'finished', tilesDone: 36 } });
  expect(jobs.ended).toMatchObject({ tilesDone: 36, jobs: { cancelled: 0, finished: 1 } });
});

it('a job waits as long as anything of it does', () => {
  const waits = new JobWaits();
  const { jobId } = record(1);
  expect(waits.begin(jobId, 'frame 1', 'no space')).toBe(true);
  expect(waits.begin(jobId, 'frame 2', 'no space either')).toBe(false);
  expect(waits.end(jobId, 'frame 1')).toBe(false);
  expect(waits.reasonOf(jobId)).toBe('no space either');
  expect(waits.end(jobId, 'frame 2')).toBe(true);
  expect([waits.reasonOf(jobId), waits.end(jobId, 'frame 2')]).toEqual([undefined, false]);
});
