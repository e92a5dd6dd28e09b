/** Which version of its renderer a job gets, when, and what becomes of it. The nodes are heartbeats. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { decodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { type Assignment, assignmentSchema, decodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobSpec } from '#shared/wire/generated/guian/v1/JobSpec.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { failedReply } from '../support/fake-agent.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterEach(async () => {
  await studio.cancelAll();
  await waitFor('all nodes have left', async () => (await studio.nodes()).length === 0);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const waitFor = <T>(what: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { describe: what });
const blender = (...versions: string[]) => versions.map((version) => ({ name: 'blender', version }));
/** A client that has inspected its scene: nobody is asked about it. */
const shot = (changes: Partial<JobSpec> = {}) =>
  spec({
    settings: { renderer: 'blender', widthPx: 100, heightPx: 70, samples: 4, formats: ['exr'] },
    ...changes,
  });
const submit = async (wanted: JobSpec) => (await studio.submit(wanted)).job!;
const pinOf = async (jobId: string) => (await studio.get(jobId)).spec!.rendererVersion;
const startNode = async (nodeId: string, renderers: ReturnType<typeof blender>, slots = 1) => {
  const node = startFakeNode(farm.bus, nodeId, { renderers, slots });
  await waitFor(`${nodeId} is known`, async () =>
    (await studio.nodes()).some((one) => one.nodeId === nodeId),
  );
  return node;
};

async function assignedTo(nodeId: string): Promise<string[]> {
  const { kvm, names } = farm.bus;
  const entry = await retryCall('read', async () => (await kvm.open(names.assignmentsBucket)).get(nodeId));
  if (!entry) return [];
  const assignment: Assignment = decodeMessage(assignmentSchema, entry.value, nodeId);
  return assignment.jobs.map((job) => job.jobId);
}

async function storedPin(jobId: string): Promise<string> {
  const record = JSON.parse(
    await readFile(join(farm.config.storeDir, 'jobs', jobId, 'job.json'), 'utf8'),
  ) as {
    rendererVersion: string;
  };
  return record.rendererVersion;
}

/** As agents see it. */
async function pinOnBus(jobId: string): Promise<string | undefined> {
  const { kvm, names } = farm.bus;
  const entry = await retryCall('read', async () => (await kvm.open(names.jobsBucket)).get(jobId));
  return decodeRecordCopy(entry!.value, jobId).rendererVersion;
}

describe('a job', () => {
  it('is pinned when it is submitted to what most slots have, and goes to no other node', async () => {
    using _many = await startNode('many', blender('3.4'), 4);
    using _new = await startNode('new', blender('4.1'), 2);
    using _both = await startNode('both', blender('3.4', '4.1'), 1);
    const job = await submit(shot());
    expect(job.spec!.rendererVersion).toBe('3.4');
    for (const nodeId of ['both', 'many'])
      await waitFor(`${nodeId} has it`, async () => (await assignedTo(nodeId)).includes(job.jobId));
    expect(await assignedTo('new')).toEqual([]);
    expect([await pinOnBus(job.jobId), await storedPin(job.jobId)]).toEqual(['3.4', '3.4']);
    const chosen = await submit(shot({ rendererVersion: '4.1' }));
    await waitFor('the new one works, too', async () => (await assignedTo('new')).includes(chosen.jobId));
    expect(await assignedTo('many')).toEqual([job.jobId]);
  });

  it('that asks for a GPU waits for one, with the reason, whatever processors could do', async () => {
    const [cpu, gpu] = ['4.1+a.x86-64-v3.glibc2.36', '4.1+a.optix.glibc2.36'];
    using _cpu = await startNode('cpu', blender(cpu), 4);
    const settings = { ...shot().settings!, device: 'gpu' };
    const { jobId } = await submit(shot({ settings }));
    const [paused] = await studio.told(jobId, 'paused');
    expect(paused!.message).toBe(
      `no node has blender with a GPU; nodes have blender ${cpu}; it waits for a node that has it`,
    );
    using _gpu = await startNode('gpu', blender(cpu, gpu));
    await studio.told(jobId, 'resumed');
    await waitFor('it is assigned', async () => (await assignedTo('gpu')).includes(jobId));
    expect(await pinOf(jobId)).toBe(gpu);
    expect(await pinOf((await submit(shot())).jobId)).toBe(cpu);
    await expect(submit(shot({ rendererVersion: gpu }))).rejects.toThrow(
      /computes on a GPU, and spec.settings.device is cpu/,
    );
  });

  it('that no node can render waits, says so once, and is pinned when the first node comes', async () => {
    const { jobId, spec: first } = await submit(shot());
    expect(first!.rendererVersion).toBe('');
    using other = await startNode('other', [{ name: 'povray', version: '3.7' }]);
    const [paused] = await studio.told(jobId, 'paused');
    expect(paused!.message).toBe(
      'no node has blender; nodes have povray 3.7; it waits for a node that has it',
    );
    expect((await studio.get(jobId)).warnings[0]).toBe(paused!.message);
    expect(await assignedTo('other')).toEqual([]);
    using _third = await startNode('third', blender('3.4'), 2);
    await studio.told(jobId, 'resumed');
    expect([await pinOf(jobId), await storedPin(jobId)]).toEqual(['3.4', '3.4']);
    await waitFor('it is assigned', async () => (await assignedTo('third')).includes(jobId));
    expect(await pinOnBus(jobId)).toBe('3.4');
    // Most slots have another one now, and the coordinator starts anew.
    other.say({ renderers: blender('4.1'), slots: 64 });
    await farm.close();
    await farm.start();
    await waitFor('nodes are known', async () => (await studio.nodes()).length === 2);
    expect(await pinOf(jobId)).toBe('3.4');
    await waitFor('it is still assigned', async () => (await assignedTo('third')).includes(jobId));
    expect(await assignedTo('other')).toEqual([]);
    const kinds = (await studio.watch(jobId, 0, true)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => /paused|resumed|repaired/.test(kind))).toEqual(['paused', 'resumed']);
  });

  it('whose last node leaves waits until one of the same version comes', async () => {
    using _other = await startNode('other', blender('4.1'));
    const { jobId } = await submit(shot({ rendererVersion: '3.4' }));
    const [paused] = await studio.told(jobId, 'paused');
    expect(paused!.message).toMatch(/^no node has blender 3\.4; nodes have blender 4\.1;/);
    {
      using _right = await startNode('right', blender('3.4'));
      await studio.told(jobId, 'resumed');
    }
    await studio.told(jobId, 'paused', 2);
    using late = await startNode('late', blender('3.3'));
    late.say({ renderers: blender('3.3', '3.4') });
    await studio.told(jobId, 'resumed', 2);
    await waitFor('it is assigned', async () => (await assignedTo('late')).includes(jobId));
    expect((await studio.get(jobId)).warnings).toEqual([]);
  });

  it('that is retried keeps its version', async () => {
    const synthetic = (version: string) => [{ name: 'synthetic', version }];
    let jobId: string;
    {
      using _old = await startNode('old', synthetic('1'));
      jobId = (await submit(spec({ frames: '1', maxAttempts: 1 }))).jobId;
      const agent = await studio.agent(jobId, { replies: (_tile, rendered) => [failedReply(rendered)] });
      await studio.state(jobId, 'finished_with_failures');
      await agent.stop();
    }
    using _new = await startNode('new', synthetic('2'), 8);
    await studio.retry(jobId);
    expect(await pinOf(jobId)).toBe('1');
    await studio.told(jobId, 'paused');
    expect(await assignedTo('new')).toEqual([]);
    using _again = await startNode('again', synthetic('1'));
    await waitFor('it is assigned', async () => (await assignedTo('again')).includes(jobId));
    expect(await pinOnBus(jobId)).toBe('1');
  });
});

it('a node carries its renderers and its sandbox', async () => {
  using node = await startNode('boxed', blender('3.4'));
  node.say({ sandbox: 'bubblewrap 0.8.0' });
  await waitFor('it is heard', async () => (await studio.nodes())[0]?.sandbox !== '');
  expect((await studio.nodes())[0]).toMatchObject({
    renderers: [{ name: 'blender', version: '3.4' }],
    sandbox: 'bubblewrap 0.8.0',
  });
});
