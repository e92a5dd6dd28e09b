/** Nodes and jobs as the scheduler sees them, with every field that a test does not name at its plainest. */
import fc from 'fast-check';
import type {
  FarmJob,
  FarmNode,
  FarmSnapshot,
  SchedulingPolicy,
} from '#coordinator/scheduling/farm-model.js';
import { rendererSet } from '#coordinator/scheduling/renderer-versions.js';
import { jobIdSchema, nodeIdSchema, planIdSchema, studioSchema } from '#shared/domain/ids.js';

export const GIB = 2 ** 30;

export function sampleNode(nodeId: string, changes: Partial<FarmNode> = {}): FarmNode {
  return {
    nodeId: nodeIdSchema.parse(nodeId),
    state: 'ready',
    slots: 4,
    cores: 4,
    memoryBytes: 8 * GIB,
    gpus: 0,
    gpuMemoryBytes: 0,
    pools: new Set(),
    tags: new Set(),
    blockedJobs: new Set(),
    warmScenes: new Set(),
    rendering: new Map(),
    ...changes,
  };
}

export function sampleJob(jobId: string, changes: Partial<FarmJob> = {}): FarmJob {
  return {
    jobId: jobIdSchema.parse(jobId),
    planId: planIdSchema.parse('plan'),
    studio: studioSchema.parse('film'),
    priority: 50,
    createdAtMs: 0,
    demand: 8,
    nodesMin: 1,
    tags: [],
    cores: 0,
    slotMemoryBytes: 0,
    gpus: 0,
    gpuMemoryBytes: 0,
    maxSlots: 0,
    licences: [],
    preempt: 'tile',
    sceneKey: jobId,
    ...changes,
  };
}

const POOLS = ['day', 'night'];
const TAGS = ['big', 'fast'];
const STUDIOS = ['ads', 'film', 'games'];
const LICENCES = ['maya', 'nuke'];
const someOf = (names: readonly string[]) => fc.subarray([...names]);

const anyNode = (index: number) =>
  fc
    .record({
      state: fc.constantFrom('ready', 'ready', 'ready', 'ready', 'drained', 'quarantined', 'lost', 'asleep'),
      slots: fc.integer({ min: 0, max: 6 }),
      cores: fc.constantFrom(2, 8),
      memory: fc.integer({ min: 1, max: 16 }),
      gpus: fc.constantFrom(0, 1),
      pools: someOf(POOLS),
      tags: someOf(TAGS),
      version: fc.constantFrom('1', '2'),
      blocked: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 2 }),
    })
    .map(({ memory, version, blocked, ...node }) =>
      sampleNode(`n${index}`, {
        ...node,
        state: node.state as FarmNode['state'],
        memoryBytes: memory * GIB,
        gpuMemoryBytes: node.gpus * 4 * GIB,
        pools: new Set(node.pools),
        tags: new Set(node.tags),
        renderers: rendererSet([{ name: 'gltf', version }]),
        blockedJobs: new Set(blocked.map((job) => jobIdSchema.parse(`j${job}`))),
      }),
    );

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const anyJob = (index: number) =>
  fc
    .record({
      studio: fc.constantFrom(...STUDIOS),
      priority: fc.constantFrom(0, 40, 50, 50, 50, 100),
      createdAtMs: fc.integer({ min: 0, max: 3 }),
      gate: rarely(
        fc.constantFrom(
          { kind: 'paused' as const },
          { kind: 'dependency' as const, jobId: jobIdSchema.parse('other'), isHopeless: true },
        ),
      ),
      demand: fc.integer({ min: 0, max: 12 }),
      nodesMin: fc.constantFrom(1, 1, 1, 2),
      renderer: rarely(fc.constantFrom('gltf 1', 'gltf 2')),
      pool: rarely(fc.constantFrom(...POOLS)),
      tags: fc.oneof(fc.constant([]), someOf(TAGS)),
      cores: fc.constantFrom(0, 0, 4),
      memory: fc.constantFrom(0, 1, 2, 5),
      gpus: fc.constantFrom(0, 0, 0, 1),
      maxSlots: fc.constantFrom(0, 0, 0, 1, 3),
      licences: fc.oneof(fc.constant([]), fc.constant([]), someOf(LICENCES)),
    })
    .map(({ memory, studio, ...job }) =>
      sampleJob(`j${index}`, {
        ...job,
        gate: index === 0 ? undefined : job.gate,
        studio: studioSchema.parse(studio),
        slotMemoryBytes: memory * GIB,
      }),
    );

/** Small farms in which everything that can hold a job back does so now and then. */
export const anyFarm: fc.Arbitrary<{ readonly snapshot: FarmSnapshot; readonly policy: SchedulingPolicy }> =
  fc
    .record({
      nodes: fc.integer({ min: 0, max: 6 }).chain((count) => fc.tuple(...indexes(count).map(anyNode))),
      jobs: fc.integer({ min: 1, max: 7 }).chain((count) => fc.tuple(...indexes(count).map(anyJob))),
      studios: fc.tuple(
        ...STUDIOS.map(() =>
          fc.record({
            share: fc.constantFrom(0.5, 1, 1, 3),
            maxSlots: fc.constantFrom(0, 0, 0, 2, 5),
          }),
        ),
      ),
      licences: fc.tuple(
        ...LICENCES.map(() =>
          fc.record({
            total: fc.integer({ min: 0, max: 4 }),
            per: fc.constantFrom('slot' as const, 'node' as const),
          }),
        ),
      ),
    })
    .map(({ nodes, jobs, studios, licences }) => ({
      snapshot: { nodes, jobs },
      policy: {
        studios: new Map(studios.map((policy, index) => [studioSchema.parse(STUDIOS[index]!), policy])),
        licences: new Map(licences.map((policy, index) => [LICENCES[index]!, policy])),
      },
    }));

function indexes(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
