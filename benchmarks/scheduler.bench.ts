/**
 * The scheduler on a farm of 10,000 nodes, 500 jobs and 50 studios: deciding everything from nothing, and after each kind
 * of event. After each one the sums are checked; whether decisions are right is for the tests.
 */
import { Allocator } from '#coordinator/scheduling/allocator.js';
import type { FarmJob, FarmNode } from '#coordinator/scheduling/farm-model.js';
import { invariant } from '#shared/invariant.js';
import type { Benchmark, Figures, Say, Target } from './support/benchmark.js';
import {
  type FarmSize,
  largeJob,
  largeNode,
  largePolicy,
  type Random,
  seeded,
} from './support/large-farm.js';
import { median, percentile, rounded } from './support/statistics.js';

const SIZE: FarmSize = { nodes: 10_000, jobs: 500, studios: 50 };
const ROUNDS_FROM_SCRATCH = 5;
const EVENTS_PER_KIND = 200;
const FROM_SCRATCH_MS_MAX = 500;
const EVENT_MS_MAX = 5;

export const benchmark: Benchmark = {
  question:
    'how long does it take to decide who renders what on 10,000 nodes, at first and after each event?',
  run(say) {
    const nodes = Array.from({ length: SIZE.nodes }, (_, index) => largeNode(index));
    const jobs = Array.from({ length: SIZE.jobs }, (_, index) => largeJob(index, SIZE));
    const slots = nodes.reduce((sum, node) => sum + node.slots, 0);
    say(`${SIZE.nodes} nodes with ${slots} slots, ${SIZE.jobs} jobs of ${SIZE.studios} studios`);
    const fromScratch: number[] = [];
    let allocator = new Allocator();
    const heapBefore = heapMb();
    for (let round = 0; round < ROUNDS_FROM_SCRATCH; round++) {
      allocator = new Allocator();
      fromScratch.push(timed(() => everything(allocator, nodes, jobs)));
    }
    const memoryMb = rounded(heapMb() - heapBefore);
    say(`${heldSlots(allocator, jobs)} slots given; ${memoryMb} MB for the allocator and what it was given`);
    const rows = [
      { event: 'from scratch', ...figures(fromScratch, 0, slots) },
      ...events(allocator, nodes, jobs, say),
    ];
    return Promise.resolve({ rows, targets: targetsOf(rows) });
  },
};

function everything(allocator: Allocator, nodes: readonly FarmNode[], jobs: readonly FarmJob[]): void {
  allocator.setPolicy(largePolicy(SIZE));
  for (const job of jobs) allocator.setJob(job);
  for (const node of nodes) allocator.setNode(node);
  allocator.settle();
}

/** Each event of a pair undoes the other, so that the farm stays what it is. */
function events(
  allocator: Allocator,
  nodes: readonly FarmNode[],
  jobs: readonly FarmJob[],
  say: Say,
): readonly Figures[] {
  const random = seeded(4242);
  const one = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
  const pairs: readonly (() => readonly [readonly [string, () => void], readonly [string, () => void]])[] = [
    () => {
      const node = one(nodes);
      return [
        ['node lost', () => allocator.setNode({ ...node, state: 'lost' })],
        ['node back', () => allocator.setNode(node)],
      ];
    },
    () => {
      const node = one(nodes);
      return [
        ['node gone', () => allocator.removeNode(node.nodeId)],
        ['node joins', () => allocator.setNode(node)],
      ];
    },
    () => {
      const job = one(jobs);
      return [
        ['job done', () => allocator.removeJob(job.jobId)],
        ['job submitted', () => allocator.setJob(job)],
      ];
    },
    () => {
      const job = one(jobs);
      return [
        ['demand falls', () => allocator.setJob({ ...job, demand: Math.floor(job.demand * random()) })],
        ['demand rises', () => allocator.setJob(job)],
      ];
    },
    () => {
      const job = one(jobs);
      return [
        ['priority changes', () => allocator.setJob(otherPriority(job, random))],
        ['priority as before', () => allocator.setJob(job)],
      ];
    },
  ];
  return pairs.flatMap((pair) => {
    const ms = new Map<string, number[]>();
    const changed = new Map<string, number[]>();
    for (let round = 0; round < EVENTS_PER_KIND; round++)
      for (const [event, happen] of pair()) {
        let count = 0;
        const took = timed(() => {
          happen();
          count = allocator.settle().changedNodes.size;
        });
        ms.set(event, [...(ms.get(event) ?? []), took]);
        changed.set(event, [...(changed.get(event) ?? []), count]);
      }
    say(`${[...ms.keys()].join(', ')}: ${EVENTS_PER_KIND} of each`);
    return [...ms].map(([event, all]) => ({ event, ...figures(all, median(changed.get(event)!), 0) }));
  });
}

function otherPriority(job: FarmJob, random: Random): FarmJob {
  return { ...job, priority: Math.floor(random() * 101) };
}

function figures(ms: readonly number[], changedNodes: number, slots: number): Figures {
  return {
    p50Ms: rounded(median(ms)),
    p99Ms: rounded(percentile(ms, 0.99)),
    maxMs: rounded(Math.max(...ms)),
    changedNodes,
    slotsPerS: slots === 0 ? 0 : rounded((1_000 * slots) / median(ms)),
  };
}

function targetsOf(rows: readonly Figures[]): readonly Target[] {
  return rows.map(({ event, p50Ms, p99Ms }) =>
    event === 'from scratch'
      ? { what: 'deciding everything from scratch, ms', value: Number(p50Ms), atMost: FROM_SCRATCH_MS_MAX }
      : { what: `p99 of "${event}", ms`, value: Number(p99Ms), atMost: EVENT_MS_MAX },
  );
}

function heldSlots(allocator: Allocator, jobs: readonly FarmJob[]): number {
  let held = 0;
  for (const job of jobs) {
    const slots = allocator.slotsOf(job.jobId);
    invariant(slots <= job.demand, `${job.jobId} has ${slots} slots for ${job.demand} tiles`);
    held += slots;
  }
  return held;
}

function timed(work: () => void): number {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
}

function heapMb(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
