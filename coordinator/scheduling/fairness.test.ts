import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capOf, Uses } from '#tests/support/scheduling/check-allocation.js';
import { fairSlots, reachableGivers } from '#tests/support/scheduling/fair-reference.js';
import {
  aJob,
  aNode,
  anyFarm,
  jobId,
  type RandomFarm,
  studio,
  type Variety,
} from '#tests/support/scheduling/random-farm.js';
import { allocate } from './allocator.js';
import type { Allocation } from './farm-model.js';

/** Without memory, licences and limits of studios, whole slots are exchanged for whole slots: what is fair is exact. */
const EXACT: Variety = { nodesMax: 6, jobsMax: 8, isCrossCut: false };

const allocationOf = ({ nodes, jobs, policy }: RandomFarm): Allocation => allocate({ nodes, jobs }, policy);
const studiosOf = (farm: RandomFarm) => [...new Set(farm.jobs.map((job) => job.studio))];

describe('shares', () => {
  it('use as many slots as can be used, and are within one slot of what the slow way finds', () => {
    fc.assert(
      fc.property(anyFarm(EXACT), (farm) => {
        const uses = new Uses(farm, allocationOf(farm));
        const fair = fairSlots(farm);
        const found = studiosOf(farm).map((name) => [name, uses.ofStudio(name)] as const);
        const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
        expect(total(found.map(([, slots]) => slots))).toBe(total([...fair.values()]));
        for (const [name, slots] of found) expect(Math.abs(slots - fair.get(name)!)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 400, seed: 62 },
    );
  });

  it('leave no job without a slot that one of lower priority, or one with two more, could make way for', () => {
    fc.assert(
      fc.property(anyFarm(EXACT), (farm) => {
        const uses = new Uses(farm, allocationOf(farm));
        for (const job of farm.jobs) {
          if (uses.ofJob(job) >= capOf(job)) continue;
          for (const giver of reachableGivers(uses, job)) {
            if (giver.studio !== job.studio) continue;
            expect(giver.priority).toBeGreaterThanOrEqual(job.priority);
            if (giver.priority === job.priority)
              expect(uses.ofJob(giver) - uses.ofJob(job)).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: 400, seed: 62 },
    );
  });

  it('are 3 to 1 where shares are, whatever the priorities, and go to others when they are not used', () => {
    const nodes = [0, 1, 2, 3].map((index) => aNode(index));
    const shares = new Map([
      [studio(0), { share: 3, maxSlots: 0 }],
      [studio(1), { share: 1, maxSlots: 0 }],
    ]);
    const policy = { studios: shares, licences: new Map() };
    const slotsOf = (demand: number) => {
      const jobs = [aJob(0, { demand, priority: 1 }), aJob(1, { studio: studio(1), priority: 100 })];
      const uses = new Uses({ nodes, jobs, policy }, allocate({ nodes, jobs }, policy));
      return jobs.map((job) => uses.ofJob(job));
    };
    expect(slotsOf(1_000)).toEqual([12, 4]);
    expect(slotsOf(5)).toEqual([5, 11]);
  });

  it('give the slot that is left over to the oldest of equals, and all to a higher priority', () => {
    const nodes = [aNode(0), aNode(1, { slots: 3 })];
    const slotsOf = (...priorities: number[]) => {
      const jobs = priorities.map((priority, index) => aJob(index, { priority, createdAtMs: 9 - index }));
      const policy = { studios: new Map(), licences: new Map() };
      const uses = new Uses({ nodes, jobs, policy }, allocate({ nodes, jobs }, policy));
      return jobs.map((job) => uses.ofJob(job));
    };
    expect(slotsOf(50, 50)).toEqual([3, 4]);
    expect(slotsOf(51, 50)).toEqual([7, 0]);
  });

  it('move a job that may work anywhere out of the way of one that may not', () => {
    const nodes = [aNode(0, { pools: new Set(['a']) }), aNode(1)];
    const policy = { studios: new Map(), licences: new Map() };
    const jobs = [aJob(0, { demand: 4 }), aJob(1, { studio: studio(1), pool: 'a' })];
    const before = new Map([[nodes[0]!.nodeId, new Map([[jobId(0), 4]])]]);
    const uses = new Uses({ nodes, jobs, policy }, allocate({ nodes, jobs }, policy, before));
    expect(nodes.map((node) => jobs.map((job) => uses.on(node, job)))).toEqual([
      [0, 4],
      [4, 0],
    ]);
  });
});
