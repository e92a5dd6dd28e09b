import { expect, it } from 'vitest';
import { newIdempotencyKey, newJobId, newPlanId } from '#shared/domain/ids.js';
import { jobRecordSchema, renderSettingsSchema } from '#shared/domain/job.js';
import type { JobEvent } from '../adapters/events/event-log.js';
import { endedRecordSchema } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { JobRegistry } from '../jobs/job-registry.js';
import { LiveJob } from '../jobs/live-job.js';
import { pauseWhileStuck } from './pause-while-stuck.js';

const newJob = () =>
  new LiveJob(
    jobRecordSchema.parse({
      ...{ jobId: newJobId('test'), name: 'test', studio: 'default', idempotencyKey: newIdempotencyKey() },
      ...{ requestDigest: 'ab'.repeat(32), frames: [1], tile: 'auto', maxAttempts: 4, warnings: [] },
      manifest: { entry: 's', files: [{ path: 's', digest: 'cd'.repeat(32), sizeBytes: 1 }] },
      settings: renderSettingsSchema.parse({ widthPx: 16, heightPx: 16 }),
      plan: { planId: newPlanId(), tileWidthPx: 16, tileHeightPx: 16 },
      createdAtMs: 1,
    }),
  );

it('jobs are paused once while the bus is stuck, and none waits for it afterwards', () => {
  const jobs = new JobRegistry();
  const [job, ending] = [newJob(), newJob()];
  for (const one of [job, ending]) jobs.addLive(one);
  const told: JobEvent[] = [];
  const events = { publish: async (event: JobEvent) => void told.push(event) };
  const hooks = pauseWhileStuck({ jobs, events } as unknown as Farm);
  hooks.stuck('its disk is full');
  hooks.stuck('its disk is full');
  expect(jobs.view(job.jobId).waitsFor).toBe('it waits for the bus: its disk is full');
  const ended = endedRecordSchema.parse({
    ...{ state: 'cancelled', finishedAtMs: 3, framesFinished: 0, framesFailed: 0 },
    ...{ tilesDone: 0, tilesFailed: 0, coreSeconds: 0 },
  });
  jobs.addEnded({ record: ending.record, ended });
  hooks.flowing(7_200);
  expect(told.map(({ jobId, kind }) => [jobId, kind])).toEqual([
    [job.jobId, 'paused'],
    [ending.jobId, 'paused'],
    [job.jobId, 'resumed'],
  ]);
  expect(told.at(-1)!.message).toBe('the bus takes messages again, after 7.2 s');
  for (const { jobId } of [job, ending]) expect(jobs.waits.reasonOf(jobId)).toBeUndefined();
});
