/** Small random farms for properties of the scheduler: few names, so that jobs and nodes meet and limits bind. */
import fc from 'fast-check';
import type { FarmJob, FarmNode, NodeState, SchedulingPolicy } from '#coordinator/scheduling/farm-model.js';
import { rendererKey, rendererSet } from '#coordinator/scheduling/renderer-versions.js';
import { type JobId, jobIdSchema, nodeIdSchema, planIdSchema, studioSchema } from '#shared/domain/ids.js';

export const jobId = (index: number): JobId => jobIdSchema.parse(`job-${index}`);
export const nodeId = (index: number) => nodeIdSchema.parse(`node-${index}`);
export const studio = (index: number) => studioSchema.parse(`studio-${index}`);

const RENDERERS = ['gltf', 'blender'].map((name) => ({ name, version: '1' }));
const GIB = 2 ** 30;

/** How much of the model a random farm uses. */
export interface Variety {
  readonly nodesMax: number;
  readonly jobsMax: number;
  /** Memory, licences, limits of studios, `nodesMin` and states: with them fairness is not exact. */
  readonly isCrossCut: boolean;
}

export const aNode = (index: number, changes: Partial<FarmNode> = {}): FarmNode => ({
  ...{ nodeId: nodeId(index), state: 'ready', slots: 4, cores: 8, memoryBytes: 64 * GIB },
  ...{ gpus: 0, gpuMemoryBytes: 0, pools: new Set(), tags: new Set(), renderers: rendererSet(RENDERERS) },
  ...{ blockedJobs: new Set(), warmScenes: new Set(), rendering: new Map() },
  ...changes,
});

export const aJob = (index: number, changes: Partial<FarmJob> = {}): FarmJob => ({
  ...{ jobId: jobId(index), planId: planIdSchema.parse(`plan-${index}`), studio: studio(0), priority: 50 },
  ...{ createdAtMs: index, demand: 1_000_000, nodesMin: 1, tags: [], cores: 0, slotMemoryBytes: 0 },
  ...{ gpus: 0, gpuMemoryBytes: 0, maxSlots: 0, licences: [], preempt: 'tile', sceneKey: `scene-${index}` },
  ...changes,
});

const some = <T>(...values: T[]) => fc.subarray(values);
const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, fc.constantFrom(usual, ...others));

export function anyNode(index: number, { jobsMax, isCrossCut }: Variety): fc.Arbitrary<FarmNode> {
  return fc
    .record({
      slots: fc.integer({ min: 0, max: 6 }),
      cores: fc.constantFrom(4, 8),
      memory: isCrossCut ? fc.integer({ min: 1, max: 12 }) : fc.constant(64),
      gpus: fc.integer({ min: 0, max: 2 }),
      pools: some('a', 'b'),
      tags: some('t', 'u'),
      renderers: some(...RENDERERS),
      blocked: fc.uniqueArray(fc.nat(jobsMax - 1), { maxLength: 2 }),
      warm: fc.uniqueArray(fc.nat(jobsMax - 1), { maxLength: 2 }),
      state: isCrossCut
        ? often<NodeState>('ready', 'lost', 'draining', 'drained', 'quarantined', 'asleep')
        : fc.constant<NodeState>('ready'),
    })
    .map(({ slots, cores, memory, gpus, pools, tags, renderers, blocked, warm, state }) =>
      aNode(index, {
        ...{ slots, cores, gpus, state, memoryBytes: memory * GIB, gpuMemoryBytes: gpus * 8 * GIB },
        ...{ pools: new Set(pools), tags: new Set(tags), renderers: rendererSet(renderers) },
        blockedJobs: new Set(blocked.map(jobId)),
        warmScenes: new Set(warm.map((scene) => `scene-${scene}`)),
      }),
    );
}

export function anyJob(index: number, { isCrossCut }: Variety): fc.Arbitrary<FarmJob> {
  return fc
    .record({
      studio: fc.nat(3).map(studio),
      priority: fc.constantFrom(20, 50, 80),
      createdAtMs: fc.nat(3),
      gate: often<FarmJob['gate']>(undefined, { kind: 'paused' }),
      demand: fc.oneof(fc.nat(12), fc.constant(1_000)),
      nodesMin: isCrossCut ? fc.integer({ min: 1, max: 3 }) : fc.constant(1),
      renderer: often<string | undefined>(
        undefined,
        ...RENDERERS.map((one) => rendererKey(one.name, one.version)),
      ),
      pool: often<string | undefined>(undefined, 'a', 'b'),
      tags: often<readonly string[]>([], ['t'], ['u'], ['t', 'u']),
      cores: often(0, 8),
      memory: isCrossCut ? often(0, 1, 2, 5) : fc.constant(0),
      gpus: often(0, 1),
      maxSlots: often(0, 1, 5),
      licences: isCrossCut
        ? often<readonly string[]>([], ['slot'], ['node'], ['slot', 'node'])
        : fc.constant([]),
    })
    .map(({ memory, ...rest }) => aJob(index, { ...rest, slotMemoryBytes: memory * GIB }));
}

export function anyPolicy({ isCrossCut }: Variety): fc.Arbitrary<SchedulingPolicy> {
  const oneStudio = fc.record({
    share: fc.constantFrom(1, 1, 2, 3, 0.5),
    maxSlots: isCrossCut ? often(0, 1, 4, 9) : fc.constant(0),
  });
  return fc
    .record({
      studios: fc.array(oneStudio, { maxLength: 4 }),
      slotTokens: fc.nat(6),
      nodeTokens: fc.nat(3),
      swap: isCrossCut ? fc.boolean() : fc.constant(false),
    })
    .map(({ studios, slotTokens, nodeTokens, swap }) => ({
      studios: new Map(studios.map((policy, index) => [studio(index), policy])),
      licences: new Map([
        ['slot', { total: slotTokens, per: swap ? 'node' : 'slot' }],
        ['node', { total: nodeTokens, per: swap ? 'slot' : 'node' }],
      ]),
    }));
}

export interface RandomFarm {
  readonly nodes: readonly FarmNode[];
  readonly jobs: readonly FarmJob[];
  readonly policy: SchedulingPolicy;
}

export function anyFarm(variety: Variety): fc.Arbitrary<RandomFarm> {
  const upTo = <T>(countMax: number, one: (index: number) => fc.Arbitrary<T>) =>
    fc.nat(countMax).chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => one(index))));
  return fc.record({
    nodes: upTo(variety.nodesMax, (index) => anyNode(index, variety)),
    jobs: upTo(variety.jobsMax, (index) => anyJob(index, variety)),
    policy: anyPolicy(variety),
  }) as fc.Arbitrary<RandomFarm>;
}

/** What may happen to a farm; the same node or job may come again as another. */
export type FarmEvent =
  | { readonly kind: 'node'; readonly node: FarmNode }
  | { readonly kind: 'job'; readonly job: FarmJob }
  | { readonly kind: 'node-gone' | 'job-gone'; readonly index: number }
  | { readonly kind: 'policy'; readonly policy: SchedulingPolicy };

export function anyEvent(variety: Variety): fc.Arbitrary<FarmEvent> {
  const nodeIndex = fc.nat(variety.nodesMax - 1);
  const jobIndex = fc.nat(variety.jobsMax - 1);
  return fc.oneof(
    nodeIndex.chain((index) => anyNode(index, variety)).map((node) => ({ kind: 'node' as const, node })),
    jobIndex.chain((index) => anyJob(index, variety)).map((job) => ({ kind: 'job' as const, job })),
    nodeIndex.map((index) => ({ kind: 'node-gone' as const, index })),
    jobIndex.map((index) => ({ kind: 'job-gone' as const, index })),
    anyPolicy(variety).map((policy) => ({ kind: 'policy' as const, policy })),
  );
}
