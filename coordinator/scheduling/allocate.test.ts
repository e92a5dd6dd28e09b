import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdSchema, nodeIdSchema, planIdSchema } from '#shared/domain/ids.js';
import { allocate, type FarmNode } from './allocate.js';
import { rendererKey, rendererSet } from './renderer-versions.js';

const jobId = (index: number) => jobIdSchema.parse(`job-${index}`);
const jobs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    jobId: jobId(index),
    planId: planIdSchema.parse(`plan-${index}`),
  }));
const node = (slots: number, changes: Partial<FarmNode> = {}): FarmNode => ({
  nodeId: nodeIdSchema.parse(`node-${slots}`),
  slots,
  state: 'ready',
  blockedJobs: new Set(),
  assignedJobs: new Set(),
  ...changes,
});
const assigned = (one: FarmNode, count: number) =>
  allocate({ nodes: [one], jobs: jobs(count) }).get(one.nodeId)!.jobs;
const someJobs = fc.uniqueArray(fc.integer({ min: 0, max: 9 })).map((list) => new Set(list.map(jobId)));
const anyNode = fc
  .record({
    slots: fc.integer({ min: 0, max: 16 }),
    state: fc.constantFrom('ready', 'draining', 'quarantined', 'lost' as const),
    blockedJobs: someJobs,
    assignedJobs: someJobs,
  })
  .map(({ slots, ...changes }) => node(slots, changes as Partial<FarmNode>));

describe('the allocation', () => {
  it('gives every job an equal part of every node, to within one slot, and uses all slots', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 40 }), (slots, count) => {
        const parts = assigned(node(slots), count).map((job) => job.slots);
        expect(parts).toHaveLength(count);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
        expect(Math.min(...parts)).toBeGreaterThanOrEqual(1);
        const total = parts.reduce((sum, part) => sum + part, 0);
        expect(total).toBe(Math.max(slots, count));
      }),
    );
  });

  it('gives nothing to a node without slots, and an empty assignment when there is no job', () => {
    expect(assigned(node(0), 2)).toEqual([]);
    expect(assigned(node(4), 0)).toEqual([]);
  });

  it('gives a node no job that it is blocked for, and its slots to the others', () => {
    const parts = assigned(node(8, { blockedJobs: new Set([jobId(1)]) }), 3);
    expect(parts.map((part) => [part.jobId, part.slots])).toEqual([
      [jobId(0), 4],
      [jobId(2), 4],
    ]);
  });

  it('leaves a draining node the jobs that it has, and gives it no new one', () => {
    const draining = node(4, { state: 'draining', assignedJobs: new Set([jobId(1), jobId(7)]) });
    expect(assigned(draining, 3)).toMatchObject([{ jobId: jobId(1), slots: 4 }]);
  });

  it('gives a node only jobs whose very version of a renderer it has, and all its slots to them', () => {
    const versions = ['1', '1.0', '2'];
    const someVersions = fc.uniqueArray(fc.constantFrom(...versions));
    const farm = fc.record({
      nodes: fc.array(someVersions, { maxLength: 8 }),
      jobs: fc.array(fc.constantFrom(...versions), { maxLength: 8 }),
    });
    fc.assert(
      fc.property(farm, ({ nodes: has, jobs: needs }) => {
        const nodes = has.map((list, index) => ({
          ...node(4, { renderers: rendererSet(list.map((version) => ({ name: 'blender', version }))) }),
          nodeId: nodeIdSchema.parse(`node-${index}`),
        }));
        const wanted = jobs(needs.length).map((job, index) => ({
          ...job,
          needs: rendererKey('blender', needs[index]!),
        }));
        const given = allocate({ nodes, jobs: wanted });
        for (const [index, { nodeId }] of nodes.entries()) {
          const mine = given.get(nodeId)!.jobs;
          const can = wanted.filter((_, job) => has[index]!.includes(needs[job]!));
          expect(mine.map((job) => job.jobId)).toEqual(can.map((job) => job.jobId));
          const total = mine.reduce((sum, { slots }) => sum + slots, 0);
          expect(total).toBe(can.length === 0 ? 0 : Math.max(4, can.length));
        }
      }),
    );
  });

  it('of any node is what its state allows', () => {
    fc.assert(
      fc.property(anyNode, fc.integer({ min: 0, max: 10 }), (one, count) => {
        const given = new Set(assigned(one, count).map((job) => job.jobId));
        const wanted = jobs(count)
          .map((job) => job.jobId)
          .filter((id) => {
            if (one.slots === 0 || one.state === 'quarantined') return false;
            return one.state === 'draining' ? one.assignedJobs.has(id) : !one.blockedJobs.has(id);
          });
        expect(given).toEqual(new Set(wanted));
      }),
    );
  });
});
