import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdSchema, nodeIdSchema, planIdSchema } from '#shared/domain/ids.js';
import { allocate } from './allocate.js';

const jobs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    jobId: jobIdSchema.parse(`job-${index}`),
    planId: planIdSchema.parse(`plan-${index}`),
  }));
const node = (slots: number) => ({ nodeId: nodeIdSchema.parse(`node-${slots}`), slots });

describe('the allocation', () => {
  it('gives every job an equal part of every node, to within one slot, and uses all slots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 40 }), (slots, count) => {
        const assigned = allocate({ nodes: [node(slots)], jobs: jobs(count) }).get(node(slots).nodeId)!;
        const parts = assigned.jobs.map((job) => job.slots);
        expect(parts).toHaveLength(count);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(1);
        const total = parts.reduce((sum, part) => sum + part, 0);
        expect(total).toBe(Math.max(slots, count));
      }),
    );
  });

  it('gives nothing to a node without slots, and an empty assignment when there is no job', () => {
    expect(allocate({ nodes: [node(0)], jobs: jobs(2) }).get(node(0).nodeId)).toEqual({ jobs: [] });
    expect(allocate({ nodes: [node(4)], jobs: [] }).get(node(4).nodeId)).toEqual({ jobs: [] });
  });
});
