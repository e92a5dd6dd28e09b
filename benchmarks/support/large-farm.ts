/** A large farm as several studios share one, always the same: 10,000 nodes of four sizes in five pools, 500 jobs. */
import type { FarmJob, FarmNode, SchedulingPolicy } from '#coordinator/scheduling/farm-model.js';
import { rendererKey, rendererSet } from '#coordinator/scheduling/renderer-versions.js';
import { jobIdSchema, nodeIdSchema, planIdSchema, studioSchema } from '#shared/domain/ids.js';

const GIB = 2 ** 30;
const POOLS = ['day', 'night', 'fx', 'lighting', 'cloud'];
const RENDERERS = {
  gltf: { name: 'gltf', version: '1' },
  blender: { name: 'blender', version: '4.1' },
  olderBlender: { name: 'blender', version: '3.6' },
};
const NODE_RENDERERS = [
  [RENDERERS.gltf, RENDERERS.blender],
  [RENDERERS.gltf, RENDERERS.blender, RENDERERS.olderBlender],
  [RENDERERS.gltf],
];
const NONE: ReadonlySet<never> = new Set();

export interface FarmSize {
  readonly nodes: number;
  readonly jobs: number;
  readonly studios: number;
}

/** Numbers from 0 up to 1, the same at each start. Source: Marsaglia, Xorshift RNGs (2003). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

export type Random = () => number;

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;

export function largeNode(index: number): FarmNode {
  const random = seeded(index * 7919 + 17);
  random();
  const slots = pick(random, [8, 16, 32, 64]);
  const gpus = random() < 0.2 ? 1 + Math.floor(random() * 2) : 0;
  // Machines of one make differ by what their firmware keeps to itself.
  const memoryBytes = slots * 4 * GIB - Math.floor(random() * 2 ** 28);
  return {
    nodeId: nodeIdSchema.parse(`node-${index}`),
    ...{ state: 'ready', slots, cores: slots, memoryBytes, gpus, gpuMemoryBytes: gpus > 0 ? 24 * GIB : 0 },
    pools: new Set(random() < 0.3 ? [pick(random, POOLS), pick(random, POOLS)] : [pick(random, POOLS)]),
    tags: new Set(random() < 0.1 ? ['fast-disk'] : random() < 0.5 ? [`rack-${index % 40}`] : []),
    renderers: rendererSet(pick(random, NODE_RENDERERS)),
    ...{ blockedJobs: NONE, warmScenes: NONE, rendering: new Map() },
  };
}

/** One of ten asks for GPUs, some for a pool, a tag, much memory, a licence; most have more to do than they get. */
export function largeJob(index: number, { studios }: FarmSize): FarmJob {
  const random = seeded(index * 104_729 + 29);
  random();
  const kind = random();
  const renderer =
    random() < 0.2 ? RENDERERS.olderBlender : random() < 0.5 ? RENDERERS.blender : RENDERERS.gltf;
  return {
    jobId: jobIdSchema.parse(`job-${index}`),
    planId: planIdSchema.parse(`plan-${index}`),
    studio: studioSchema.parse(`studio-${index % studios}`),
    priority: pick(random, [50, 50, 50, 60, 80]),
    createdAtMs: index,
    demand: random() < 0.7 ? 2_000 : 20 + Math.floor(random() * 200),
    nodesMin: 1,
    renderer: rendererKey(renderer.name, renderer.version),
    ...(kind < 0.3 ? { pool: pick(random, POOLS) } : {}),
    tags: kind > 0.3 && kind < 0.35 ? ['fast-disk'] : [],
    cores: kind > 0.9 ? 16 : 0,
    slotMemoryBytes: pick(random, [1, 1, 2, 2, 3, 3, 3, 6]) * GIB,
    gpus: kind > 0.4 && kind < 0.5 ? 1 : 0,
    gpuMemoryBytes: 0,
    maxSlots: random() < 0.1 ? 100 : 0,
    licences: random() < 0.1 ? ['denoiser'] : [],
    preempt: 'tile',
    sceneKey: `scene-${index}`,
  };
}

export function largePolicy({ studios }: FarmSize): SchedulingPolicy {
  const names = Array.from({ length: studios }, (_, index) => studioSchema.parse(`studio-${index}`));
  return {
    studios: new Map(names.map((name, index) => [name, { share: 1 + (index % 4), maxSlots: 0 }])),
    licences: new Map([['denoiser', { total: 500, per: 'slot' }]]),
  };
}
