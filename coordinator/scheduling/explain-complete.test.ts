import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type JobId, studioSchema } from '#shared/domain/ids.js';
import { anyFarm, GIB, sampleNode } from '#tests/support/farm-samples.js';
import { allocate } from './allocator.js';
import { whyJob } from './explain.js';
import {
  type Allocation,
  type FarmJob,
  type FarmNode,
  type FarmSnapshot,
  type SchedulingPolicy,
  STUDIO_DEFAULT,
} from './farm-model.js';
import { slotsWanted } from './limits-reached.js';
import { rendererSet } from './renderer-versions.js';
import type { Wait } from './scheduler-view.js';

interface Farm {
  readonly snapshot: FarmSnapshot;
  readonly policy: SchedulingPolicy;
}

const slotsOf = (allocation: Allocation, jobId: JobId) =>
  [...allocation.values()].reduce((sum, jobs) => sum + (jobs.get(jobId) ?? 0), 0);
const jobOf = ({ snapshot }: Farm, jobId: JobId) => snapshot.jobs.find((one) => one.jobId === jobId)!;

const withJob = (farm: Farm, jobId: string | undefined, changes: Partial<FarmJob>): Farm => ({
  ...farm,
  snapshot: {
    ...farm.snapshot,
    jobs: farm.snapshot.jobs.map((job) => (job.jobId === jobId ? { ...job, ...changes } : job)),
  },
});
const withNodes = (farm: Farm, change: (node: FarmNode) => Partial<FarmNode>): Farm => ({
  ...farm,
  snapshot: { ...farm.snapshot, nodes: farm.snapshot.nodes.map((node) => ({ ...node, ...change(node) })) },
});
const withNode = (
  farm: Farm,
  nodeId: string | undefined,
  change: (node: FarmNode) => Partial<FarmNode>,
): Farm => withNodes(farm, (node) => (node.nodeId === nodeId ? change(node) : {}));
/** A machine that has all that the job asks for. */
const withNewNode = (farm: Farm, job: FarmJob, slots: number): Farm => {
  const [name = 'gltf', version = '1'] = job.renderer?.split(' ') ?? [];
  const node = sampleNode(`new-${farm.snapshot.nodes.length}`, {
    slots,
    cores: Math.max(1, job.cores),
    memoryBytes: slots * Math.max(GIB, job.slotMemoryBytes),
    gpus: job.gpus,
    gpuMemoryBytes: job.gpuMemoryBytes,
    pools: new Set(job.pool === undefined ? [] : [job.pool]),
    tags: new Set(job.tags),
    renderers: rendererSet([{ name, version }]),
  });
  return { ...farm, snapshot: { ...farm.snapshot, nodes: [...farm.snapshot.nodes, node] } };
};
const withStudio = (
  farm: Farm,
  name: string | undefined,
  changes: { share?: number; maxSlots?: number },
): Farm => {
  const studio = studioSchema.parse(name);
  const before = farm.policy.studios.get(studio) ?? STUDIO_DEFAULT;
  const studios = new Map(farm.policy.studios).set(studio, { ...before, ...changes });
  return { ...farm, policy: { ...farm.policy, studios } };
};

/** Does what the reason says. */
function mended(farm: Farm, job: FarmJob, { kind, subject, have = 0, need = 0 }: Wait): Farm {
  switch (kind) {
    case 'paused':
    case 'start_time':
    case 'dependency':
      return withJob(farm, job.jobId, { gate: undefined });
    case 'pool':
      return withNodes(farm, ({ pools }) => ({ pools: new Set([...pools, subject!]) }));
    case 'tags':
      return withNodes(farm, ({ tags }) => ({ tags: new Set([...tags, ...job.tags]) }));
    case 'renderer': {
      const [name, version] = subject!.split(' ') as [string, string];
      const has = (key: string) => ({ name, version: key });
      return withNodes(farm, () => ({ renderers: rendererSet([...new Set(['1', '2', version])].map(has)) }));
    }
    case 'cores':
      return withNode(farm, subject, () => ({ cores: need }));
    case 'memory':
      return withNode(farm, subject, ({ memoryBytes }) => ({ memoryBytes: memoryBytes + need - have }));
    case 'gpu':
      return withNode(farm, subject, (node) => ({
        gpus: Math.max(node.gpus, job.gpus),
        gpuMemoryBytes: Math.max(node.gpuMemoryBytes, job.gpuMemoryBytes),
      }));
    case 'no_node':
      return subject === undefined
        ? withNewNode(farm, job, need)
        : withNode(farm, subject, () => ({ slots: need }));
    case 'node_state':
      return withNode(farm, subject, () => ({ state: 'ready' }));
    case 'blocked':
      return withNode(farm, subject, () => ({ blockedJobs: new Set() }));
    case 'job_max':
      return withJob(farm, job.jobId, { maxSlots: need });
    case 'studio_max':
      return withStudio(farm, subject, { maxSlots: need });
    case 'licence': {
      const { per } = farm.policy.licences.get(subject!) ?? { per: 'slot' };
      const licences = new Map(farm.policy.licences).set(subject!, { total: need, per });
      return { ...farm, policy: { ...farm.policy, licences } };
    }
    case 'share':
      if (subject === job.studio) return withStudio(farm, subject, { share: need });
      if (subject === job.jobId) return withNewNode(farm, job, need - have);
      return withJob(farm, need > have ? job.jobId : subject, { priority: need });
    case 'all_out':
      return withJob(farm, job.jobId, { demand: 1 });
    default:
      throw kind satisfies never;
  }
}

const waitsOf = (farm: Farm, allocation: Allocation, jobId: JobId) =>
  whyJob({ ...farm, allocation }, jobOf(farm, jobId));

/** What keeps a job from one more slot may be several things, one behind the other; of 10,000 jobs one had ten. */
const STEPS_MAX = 20;

it('every job that could use more slots has a reason, and doing what the reasons say, one after the other, gives it one', () => {
  fc.assert(
    fc.property(anyFarm, (farm) => {
      // What nodes had that are drained or lost by now counts as well.
      const whole = withNodes(farm, () => ({ state: 'ready' }));
      const before = allocate(whole.snapshot, farm.policy);
      const allocation = allocate(farm.snapshot, farm.policy, before);
      for (const { jobId } of farm.snapshot.jobs) {
        const slots = slotsOf(allocation, jobId);
        const waits = waitsOf(farm, allocation, jobId);
        if (!jobOf(farm, jobId).gate && slots >= slotsWanted(jobOf(farm, jobId)) && slots > 0) {
          expect(waits).toEqual([]);
          continue;
        }
        let now = farm;
        // The allocator moves as little as possible from what it has given.
        let given = allocation;
        const seen: string[] = [];
        while (slotsOf(given, jobId) <= slots) {
          const [first] = waitsOf(now, given, jobId);
          expect(first, 'no reason').toBeDefined();
          seen.push(first!.message);
          // Nobody is told twice to do the same.
          expect(new Set(seen).size, seen.join('\n')).toBe(seen.length);
          expect(seen.length, seen.join('\n')).toBeLessThan(STEPS_MAX);
          now = mended(now, jobOf(now, jobId), first!);
          given = allocate(now.snapshot, now.policy, given);
        }
      }
    }),
    { numRuns: 200 },
  );
});
