import { expect, it } from 'vitest';
import { testJob } from '#tests/support/live-jobs.js';
import type { JobEvent } from '../adapters/events/event-log.js';
import { endedRecordSchema } from '../adapters/store/records.js';
import type { Farm } from '../farm.js';
import { JobRegistry } from '../jobs/job-registry.js';
import { pauseWhileStuck } from './pause-while-stuck.js';

it('jobs are paused once while the bus is stuck, and none waits for it afterwards', () => {
  const jobs = new JobRegistry();
  const [job, ending] = [testJob(), testJob()];
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
