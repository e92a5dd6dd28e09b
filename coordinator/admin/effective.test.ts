import { describe, expect, it } from 'vitest';
import { jobScheduleSchema } from '#shared/domain/schedule.js';
import { effectiveJob, effectiveNode } from './effective.js';

describe('what is in force for a job', () => {
  const schedule = jobScheduleSchema.parse({
    priority: 70,
    maxSlots: 8,
    isPaused: true,
    needs: { pool: 'gpu' },
  });

  it('is as it was submitted, as long as no admin says otherwise', () => {
    expect(effectiveJob(schedule, undefined)).toEqual({
      ...{ priority: 70, isPaused: true, pool: 'gpu', maxSlots: 8, ignoresAfter: false },
    });
    expect(effectiveJob(jobScheduleSchema.parse({}), {})).toEqual({
      ...{ priority: 50, isPaused: false, maxSlots: 0, ignoresAfter: false },
    });
  });

  it('is what an admin has set, 0, off and "any pool" included', () => {
    const control = { priority: 0, isPaused: false, pool: '', ignoresAfter: true, maxSlots: 0 };
    expect(effectiveJob(schedule, control)).toEqual({
      ...{ priority: 0, isPaused: false, maxSlots: 0, ignoresAfter: true },
    });
  });
});

describe('what is in force for a node', () => {
  it('is what it says itself, as long as no admin says otherwise', () => {
    expect(effectiveNode({ pools: ['a'], tags: ['b'] }, undefined)).toEqual({
      ...{ pools: ['a'], tags: ['b'], isDraining: false },
    });
    expect(effectiveNode({}, {})).toEqual({ pools: [], tags: [], isDraining: false });
  });

  it('is what an admin has set, no pool at all included; but nobody holds back an agent that leaves', () => {
    const announced = { pools: ['a'], tags: ['b'], draining: false };
    expect(effectiveNode(announced, { pools: [], tags: ['c'], isDrained: true })).toEqual({
      ...{ pools: [], tags: ['c'], isDraining: true },
    });
    expect(effectiveNode({ draining: true }, {}).isDraining).toBe(true);
  });
});
