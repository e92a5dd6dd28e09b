/** What the coordinator makes of what nodes say and do: drain, trouble, results that cannot be used. The nodes are heartbeats. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assignment, assignmentSchema, decodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobId } from '#shared/domain/ids.js';
import { call } from '#shared/wire/coordinator-client.js';
import type { ListNodesResponse__Output } from '#shared/wire/generated/guian/v1/ListNodesResponse.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { failedReply } from '../support/fake-agent.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';
import { startWorkingNode } from '../support/working-node.js';

const TIMEOUT_MS = 15_000;
let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

async function node(nodeId: string) {
  const { nodes } = await call<ListNodesResponse__Output>(farm.client, (options, done) =>
    farm.client.nodes.list({}, options, done as never),
  );
  return nodes.find((one) => one.nodeId === nodeId);
}

async function assignedJobs(nodeId: string): Promise<string[]> {
  const { kvm, names } = farm.bus;
  const entry = await retryCall('read', async () => (await kvm.open(names.assignmentsBucket)).get(nodeId));
  if (!entry) return [];
  const assignment: Assignment = decodeMessage(assignmentSchema, entry.value, nodeId);
  return assignment.jobs.map((job) => job.jobId);
}

const waitFor = <T>(describe: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });
const messages = async (jobId: string, kind: string) =>
  (await studio.watch(jobId, 0, true)).filter((event) => event.kind === kind).map(({ message }) => message);

describe('a node that drains', () => {
  it('keeps the jobs that it has until they end, gets no new one, and is not counted on', async () => {
    using draining = startFakeNode(farm.bus, 'draining');
    const before = (await studio.submit()).job!.jobId;
    await waitFor('the first job is assigned', async () => (await assignedJobs('draining')).includes(before));
    draining.say({ draining: true });
    await waitFor('it drains', async () => (await node('draining'))?.state === 'draining');
    expect(await node('draining')).toMatchObject({
      reason: 'it finishes what it has and takes nothing more',
    });
    using _other = startFakeNode(farm.bus, 'other');
    const later = (await studio.submit()).job!.jobId;
    await waitFor('the other has both', async () => (await assignedJobs('other')).length === 2);
    expect(await assignedJobs('draining')).toEqual([before]);
    await studio.cancel(before);
    await waitFor('nothing is left', async () => (await assignedJobs('draining')).length === 0);
    await studio.cancel(later);
  });
});

describe('a node in trouble', () => {
  const trouble = { code: 'DISK_FULL', message: 'no space left in its cache (/scratch); free some' };

  it('says so to the jobs that it keeps waiting, once, and when it is over', async () => {
    using first = startFakeNode(farm.bus, 'first');
    using second = startFakeNode(farm.bus, 'second');
    const jobId = (await studio.submit()).job!.jobId as JobId;
    await waitFor('both work for it', async () => (await assignedJobs('second')).includes(jobId));
    first.say({ jobIds: [jobId], troubles: [trouble] });
    await waitFor('it is told', async () => (await messages(jobId, 'paused')).length === 1);
    // Another number in the text is the same trouble.
    first.say({ troubles: [{ ...trouble, message: `${trouble.message} soon` }] });
    second.say({ jobIds: [jobId], troubles: [{ ...trouble, jobId }] });
    await waitFor('the second is told', async () => (await messages(jobId, 'paused')).length === 2);
    expect(await messages(jobId, 'paused')).toEqual([
      `node first cannot work for it: ${trouble.message}`,
      `node second cannot work for it: ${trouble.message}; no other node can, so the job waits`,
    ]);
    expect((await node('second'))?.troubles).toEqual([`job ${jobId}: DISK_FULL: ${trouble.message}`]);
    second.say({ troubles: [] });
    await waitFor('its end is told', async () => (await messages(jobId, 'resumed')).length === 1);
    expect(await messages(jobId, 'resumed')).toEqual(['node second can work for it again']);
    await studio.cancel(jobId);
  });

  it('leaves its job to a node that is blocked, as long as no better one can', async () => {
    using _blocked = startFakeNode(farm.bus, 'blocked');
    using better = startFakeNode(farm.bus, 'better');
    const jobId = (await studio.submit(spec({ frames: '1-2' }))).job!.jobId as JobId;
    await waitFor('it is assigned', async () => (await assignedJobs('blocked')).includes(jobId));
    const agent = await studio.agent(jobId, {
      nodeId: 'blocked',
      tilesMax: 3,
      replies: (_tile, rendered) => [{ ...rendered, bytes: rendered.bytes.map((byte) => byte ^ 1) }],
    });
    await waitFor('it is blocked', async () => (await assignedJobs('blocked')).length === 0);
    await agent.stop();
    better.say({ jobIds: [jobId], troubles: [trouble] });
    await waitFor('it works again', async () => (await assignedJobs('blocked')).includes(jobId));
    expect(await messages(jobId, 'node_forgiven')).toEqual([
      'node blocked may have tiles of it again: no better node is left',
    ]);
    better.say({ troubles: [] });
    await waitFor('it is blocked anew', async () => (await assignedJobs('blocked')).length === 0);
    await studio.cancel(jobId);
  });

  it('is not waited for by a tile that the only other node has failed once', async () => {
    using troubled = startFakeNode(farm.bus, 'troubled');
    const jobId = (await studio.submit(spec({ frames: '1' }))).job!.jobId as JobId;
    troubled.say({ jobIds: [jobId], troubles: [trouble] });
    await waitFor('it is told', async () => (await messages(jobId, 'paused')).length === 1);
    const working = await startWorkingNode(farm.bus, jobId, {
      nodeId: 'working',
      answer: ({ tile, attempt }, rendered) =>
        tile === 5 && attempt === 1 ? failedReply(rendered) : rendered,
    });
    await studio.state(jobId, 'finished');
    await working.leave();
  });
});

describe('a node all of whose results are corrupt', () => {
  it('is blocked for the job as one that fails, and everything is rendered by another', async () => {
    using _bad = startFakeNode(farm.bus, 'corrupt');
    using _good = startFakeNode(farm.bus, 'sound');
    const jobId = (await studio.submit(spec({ frames: '1-2' }))).job!.jobId;
    await waitFor('it is assigned', async () => (await assignedJobs('corrupt')).includes(jobId));
    const agent = await studio.agent(jobId, {
      nodeId: 'corrupt',
      tilesMax: 3,
      replies: (_tile, rendered) => [{ ...rendered, bytes: rendered.bytes.map((byte) => byte ^ 1) }],
    });
    await waitFor('it is blocked', async () => (await node('corrupt'))?.blockedJobs.length === 1);
    await waitFor('the job is taken from it', async () => (await assignedJobs('corrupt')).length === 0);
    await agent.stop();
    expect(await node('corrupt')).toMatchObject({
      state: 'ready',
      blockedJobs: [{ jobId, failures: 3 }],
    });
    expect(await assignedJobs('sound')).toEqual([jobId]);
    const rest = await studio.agent(jobId, { nodeId: 'sound' });
    await studio.state(jobId, 'finished');
    await rest.stop();
    expect(await messages(jobId, 'node_blocked')).toEqual([
      expect.stringMatching(/^node corrupt gets no more tiles of it: it failed 3 .*TILE_CHECKSUM_MISMATCH/),
    ]);
  });
});
