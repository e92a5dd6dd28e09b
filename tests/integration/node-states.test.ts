/** What the coordinator makes of what nodes say and do: drain, trouble, results that cannot be used. The nodes are heartbeats. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Assignment, assignmentSchema, decodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { JobId } from '#shared/domain/ids.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { failedReply } from '../support/fake-agent.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';
import { startWorkingNode } from '../support/working-node.js';

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
  // Those of this test are the only ones that the next one's jobs must not count on.
  await waitFor('all nodes have left', async () => (await studio.nodes()).length === 0);
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const node = async (nodeId: string) => (await studio.nodes()).find((one) => one.nodeId === nodeId);

const assignedJobs = async (nodeId: string): Promise<string[]> =>
  (await assignment(nodeId)).jobs.map((job) => job.jobId);

async function assignment(nodeId: string): Promise<Assignment> {
  const { kvm, names } = farm.bus;
  const entry = await retryCall('read', async () => (await kvm.open(names.assignmentsBucket)).get(nodeId));
  return entry ? decodeMessage(assignmentSchema, entry.value, nodeId) : { jobs: [] };
}

const waitFor = <T>(describe: string, condition: () => T | Promise<T>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });
/** Of a job's events of a kind, once there are so many. */
const messages = async (jobId: string, kind: string, atLeast: number) =>
  (await studio.told(jobId, kind, atLeast)).map(({ message }) => message);

describe('a node that drains', () => {
  it('finishes what it has in hand, gets nothing new, and is not counted on', async () => {
    using draining = startFakeNode(farm.bus, 'draining');
    const before = (await studio.submit()).job!.jobId as JobId;
    await waitFor('the first job is assigned', async () => (await assignedJobs('draining')).includes(before));
    draining.say({ draining: true, inHand: [{ jobId: before, attempts: [[1, 0, 1, 1]], rendering: 1 }] });
    await waitFor('it drains', async () => (await node('draining'))?.state === 'draining');
    expect(await node('draining')).toMatchObject({
      reason: 'it finishes what it has and takes nothing more',
    });
    using _other = startFakeNode(farm.bus, 'other', { slots: 2 });
    const later = (await studio.submit()).job!.jobId;
    await waitFor('the other has both', async () => (await assignedJobs('other')).length === 2);
    expect(await assignment('draining')).toMatchObject({ jobs: [], finishing: [{ jobId: before }] });
    draining.say({ inHand: [] });
    await waitFor('nothing is left', async () => (await assignment('draining')).finishing === undefined);
    await studio.cancel(before);
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
    await studio.told(jobId, 'paused');
    // Another number in the text is the same trouble.
    first.say({ troubles: [{ ...trouble, message: `${trouble.message} soon` }] });
    second.say({ jobIds: [jobId], troubles: [{ ...trouble, jobId }] });
    expect(await messages(jobId, 'paused', 2)).toEqual([
      `node first cannot work for it: ${trouble.message}`,
      `node second cannot work for it: ${trouble.message}; no other node can, so the job waits`,
    ]);
    expect((await node('second'))?.troubles).toEqual([`job ${jobId}: DISK_FULL: ${trouble.message}`]);
    second.say({ troubles: [] });
    expect(await messages(jobId, 'resumed', 1)).toEqual(['node second can work for it again']);
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
    expect(await messages(jobId, 'node_forgiven', 1)).toEqual([
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
    await studio.told(jobId, 'paused');
    await using _working = await startWorkingNode(farm.bus, jobId, {
      nodeId: 'working',
      answer: ({ tile, attempt }, rendered) =>
        tile === 5 && attempt === 1 ? failedReply(rendered) : rendered,
    });
    await studio.state(jobId, 'finished');
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
    await waitFor('the other has it', async () => (await assignedJobs('sound')).includes(jobId));
    const rest = await studio.agent(jobId, { nodeId: 'sound' });
    await studio.state(jobId, 'finished');
    await rest.stop();
    const told = await studio.ended(jobId);
    expect(told.filter(({ kind }) => kind === 'node_blocked').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^node corrupt gets no more tiles of it: it failed 3 .*TILE_CHECKSUM_MISMATCH/),
    ]);
  });
});
