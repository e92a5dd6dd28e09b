/** Which nodes may take tiles of a job. What is written to the bucket: tests/integration/node-states.test.ts. */
import { describe, expect, it } from 'vitest';
import { type JobId, type NodeId, newJobId } from '#shared/domain/ids.js';
import type { FarmJob, FarmNode } from '../scheduling/farm-model.js';
import { rendererSet } from '../scheduling/renderer-versions.js';
import { findLacks, Workers } from './workers.js';

const [first, second, third] = ['first', 'second', 'third'].map(newJobId) as [JobId, JobId, JobId];

function node(nodeId: string, changes: Partial<FarmNode> = {}): FarmNode {
  return {
    ...{ nodeId: nodeId as NodeId, state: 'ready', slots: 1, cores: 1, memoryBytes: 100, gpus: 0 },
    ...{ gpuMemoryBytes: 0, pools: new Set(), tags: new Set(), blockedJobs: new Set() },
    ...{ warmScenes: new Set(), rendering: new Map() },
    renderers: renderers('3.4.1'),
    ...changes,
  };
}

const renderers = (...versions: string[]) =>
  rendererSet(versions.map((version) => ({ name: 'blender', version })));

function job(jobId: JobId, changes: Partial<FarmJob> = {}): FarmJob {
  return {
    ...{ jobId, planId: 'plan', studio: 'studio', priority: 50, createdAtMs: 0, demand: 1, nodesMin: 1 },
    ...{ renderer: 'blender 3.4.1', tags: [], cores: 0, slotMemoryBytes: 0, gpus: 0, gpuMemoryBytes: 0 },
    ...{ maxSlots: 0, licences: [], preempt: 'tile', sceneKey: '' },
    ...changes,
  } as FarmJob;
}

describe('nodes that may take tiles of a job', () => {
  it('are ready, and not blocked for it', () => {
    const workers = new Workers([
      node('a'),
      node('b', { blockedJobs: new Set([first, second]) }),
      node('c', { blockedJobs: new Set([first]) }),
      node('without slots', { slots: 0 }),
      ...(['draining', 'drained', 'quarantined', 'lost', 'asleep'] as const).map((state) =>
        node(state, { state }),
      ),
    ]);
    for (let time = 0; time < 2; time++) {
      expect(workers.of(job(first))).toEqual(['a']);
      expect(workers.of(job(second))).toEqual(['a', 'c']);
      expect(workers.of(job(third))).toEqual(['a', 'b', 'c']);
    }
    expect(workers.of(job(third)), 'jobs with equal needs share one list').toBe(workers.of(job(third)));
  });

  it('have the very version of its renderer, its pool, its tags and a slot of memory', () => {
    const workers = new Workers([
      node('a'),
      node('b', { renderers: renderers('3.4.1', '4.0') }),
      node('c', { renderers: renderers('4.0'), pools: new Set(['big']) }),
      node('d', { renderers: renderers() }),
      node('e', { tags: new Set(['fast', 'quiet']), memoryBytes: 50 }),
    ]);
    expect(workers.of(job(first))).toEqual(['a', 'b', 'e']);
    expect(workers.of(job(second, { renderer: 'blender 4.0' }))).toEqual(['b', 'c']);
    expect(workers.of(job(second, { renderer: 'blender 4.0', pool: 'big' }))).toEqual(['c']);
    expect(workers.of(job(first, { tags: ['quiet'] }))).toEqual(['e']);
    expect(workers.of(job(first, { slotMemoryBytes: 60 }))).toEqual(['a', 'b']);
    expect(workers.of(job(third, { renderer: undefined })), 'its version is not decided').toEqual([]);
    expect(workers.of(undefined)).toEqual([]);
  });
});

describe('what nodes lack', () => {
  const byId = <T extends { readonly nodeId: NodeId } | { readonly jobId: JobId }>(all: T[]) =>
    new Map(all.map((one) => ['nodeId' in one ? one.nodeId : one.jobId, one])) as never;
  const alike = [node('a'), node('b', { state: 'lost', blockedJobs: new Set([first]) })];

  it('is not asked where every node has what every job needs', () => {
    expect(findLacks(byId(alike), byId([job(first), job(second)]))).toBeUndefined();
  });

  it('is no matter of state, and everything for a job that nobody may work for', () => {
    const jobs = [job(first, { tags: ['fast'] }), job(second), job(third, { renderer: undefined })];
    const lacks = findLacks(byId(alike), byId(jobs))!;
    expect([lacks('a' as NodeId, first), lacks('b' as NodeId, second)]).toEqual([true, false]);
    expect(lacks('a' as NodeId, third)).toBe(true);
    expect(lacks('nobody' as NodeId, second)).toBe(true);
  });

  it('may be a renderer of which other nodes have another version', () => {
    const nodes = [node('a'), node('b', { renderers: renderers('4.0') })];
    const lacks = findLacks(byId(nodes), byId([job(first)]))!;
    expect(nodes.map(({ nodeId }) => lacks(nodeId, first))).toEqual([false, true]);
  });
});
