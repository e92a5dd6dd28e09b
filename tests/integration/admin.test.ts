/** What admins set, over gRPC: in force at once, the same after a restart or a kill, journalled with who and when. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { adminCalls } from '../support/admin-calls.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '../support/coordinator-farm.js';
import { startFakeNode } from '../support/fake-node.js';
import { farmCalls, SCENE, spec, TIMEOUT_MS } from '../support/farm-calls.js';
import { waitUntil } from '../support/wait-until.js';

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let admin: ReturnType<typeof adminCalls>;

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  admin = adminCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
});
afterEach(async () => {
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

const waitFor = (describe: string, condition: () => Promise<boolean>) =>
  waitUntil(condition, { timeoutMs: TIMEOUT_MS, describe });
const listed = (nodeId: string) =>
  waitFor(`${nodeId} is listed`, async () => (await studio.nodes()).some((node) => node.nodeId === nodeId));
const find = <T extends { name: string }>(list: readonly T[], name: string) =>
  list.find((one) => one.name === name);
const inUse = (message: RegExp) => ({ code: 'STILL_IN_USE', message: expect.stringMatching(message) });
const unset = { code: 'SETTING_NOT_FOUND', message: expect.stringMatching(/^nothing is set for/) };

describe('studios, pools and licences', () => {
  it('of a studio have its share and limits until they are removed', async () => {
    expect(await admin.setStudio({ name: 'ana', share: 3 })).toMatchObject({ share: 3, maxSlots: 0 });
    expect(await admin.setStudio({ name: 'ana', maxSlots: 40 })).toMatchObject({
      ...{ name: 'ana', share: 3, maxSlots: 40, jobs: 0, configured: true },
    });
    const { jobId } = (await studio.submit(spec({ studio: 'bob' }))).job!;
    expect(find(await admin.studios(), 'bob')).toMatchObject({ share: 1, jobs: 1, configured: false });
    await studio.cancel(jobId);
    await admin.removeStudio('ana');
    expect(find(await admin.studios(), 'ana')).toBeUndefined();
    await expect(admin.removeStudio('ana')).rejects.toMatchObject(unset);
  });

  it('of a pool have what is asked of it, and it stays while a node or a job is in it', async () => {
    await admin.setPool({ name: 'gpu', minSlots: 2, targetWaitMs: 60_000 });
    await expect(admin.setPool({ name: 'gpu', maxSlots: 1 })).rejects.toMatchObject({
      code: 'JOB_SPEC_INVALID',
      message: expect.stringMatching(/^min_slots would be 2 and max_slots 1: it must be at most max_slots/),
    });
    using _node = startFakeNode(farm.bus, 'pooled', { slots: 3, pools: ['gpu', 'all'] });
    await listed('pooled');
    expect(find(await admin.pools(), 'gpu')).toEqual({
      ...{ name: 'gpu', nodes: 1, slots: 3, slotsBusy: 0, configured: true },
      ...{ targetWaitMs: 60_000, minSlots: 2, maxSlots: 0, idleMs: 600_000 },
    });
    expect(find(await admin.pools(), 'all')).toMatchObject({ nodes: 1, configured: false });
    await expect(admin.removePool('gpu')).rejects.toMatchObject(inUse(/by node pooled;/));
    await admin.setNode({ nodeId: 'pooled', pools: { names: [] } });
    const { jobId } = (await studio.submit(spec({ schedule: { needs: { pool: 'gpu' } } }))).job!;
    await expect(admin.removePool('gpu')).rejects.toMatchObject(inUse(new RegExp(`by job ${jobId};`)));
    await admin.control({ jobId, pool: '' });
    await admin.removePool('gpu');
    await expect(admin.removePool('gpu')).rejects.toMatchObject(unset);
    await studio.cancel(jobId);
    await admin.setNode({ nodeId: 'pooled', resetPools: true });
  });

  it('of a licence have its tokens, a report in place of them, and it stays while a job needs it', async () => {
    await expect(admin.setLicence({ name: 'nuke', per: 'node' })).rejects.toMatchObject({
      code: 'JOB_SPEC_INVALID',
      message: expect.stringMatching(/^total is missing: licence "nuke" is new/),
    });
    await admin.setLicence({ name: 'nuke', total: 4, per: 'node' });
    const before = Date.now();
    const reported = await admin.reportLicence({ name: 'nuke', total: 2, expiresAfterMs: 60_000 });
    expect(reported).toMatchObject({ per: 'node', total: 2, configuredTotal: 4 });
    expect(reported.reportedUntilMs).toBeGreaterThanOrEqual(before + 59_000);
    const short = await admin.reportLicence({ name: 'nuke', total: 3, expiresAfterMs: 1_000 });
    expect(short.total).toBe(3);
    await waitFor(
      'the report is out of force',
      async () => find(await admin.licences(), 'nuke')?.total === 4,
    );
    expect(find(await admin.licences(), 'nuke')).toMatchObject({ reportedUntilMs: 0 });
    const { jobId } = (await studio.submit(spec({ schedule: { licences: ['nuke', 'arnold'] } }))).job!;
    expect(find(await admin.licences(), 'arnold')).toMatchObject({ total: 0, per: 'slot' });
    await expect(admin.removeLicence('nuke')).rejects.toMatchObject(inUse(new RegExp(`by job ${jobId};`)));
    await studio.cancel(jobId);
    await admin.removeLicence('nuke');
    await expect(admin.removeLicence('nuke')).rejects.toMatchObject(unset);
  });
});

describe('a job', () => {
  it('is answered with the schedule that it asked for, and with what is in force now', async () => {
    const first = (await studio.submit()).job!.jobId;
    const schedule = {
      ...{
        priority: 0,
        maxSlots: 2,
        licences: ['nuke'],
        after: [first],
        afterFrames: true,
        startAtMs: 5,
      },
      ...{ paused: true, preempt: 'hard', frameOrder: 'every-10', tileOrder: 'spiral' },
      needs: { pool: 'gpu', tags: ['big'], cores: 2, memoryBytes: 7, gpus: 1, gpuMemoryBytes: 9 },
    };
    const { job } = await studio.submit(spec({ schedule }));
    expect(job!.spec!.schedule).toMatchObject(schedule);
    expect(job).toMatchObject({ priority: 0, paused: true, pool: 'gpu', slots: 0 });
    const { jobId } = job!;
    const changes = { priority: 80, paused: false, pool: 'cpu', maxSlots: 0, ignoreAfter: true };
    expect(await admin.control({ jobId, ...changes })).toMatchObject({
      ...{ priority: 80, paused: false, pool: 'cpu' },
      spec: { schedule },
    });
    await studio.cancel(jobId);
    await expect(admin.control({ jobId, priority: 1 })).rejects.toMatchObject({
      code: 'JOB_ALREADY_FINISHED',
      message: expect.stringMatching(/is cancelled/),
    });
    expect(await admin.whyJob(jobId)).toMatchObject({ state: 'cancelled', waits: [] });
    await expect(admin.control({ jobId: 'nobody', priority: 1 })).rejects.toMatchObject({
      code: 'JOB_NOT_FOUND',
    });
    await expect(admin.whyJob('nobody')).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' });
  });

  it('that is paused says so, to whoever asks why and in short', async () => {
    const { jobId } = (await studio.submit()).job!;
    await admin.control({ jobId, paused: true });
    const isToldPaused = async () => (await admin.whyJob(jobId)).waits[0]?.kind === 'paused';
    await waitFor('it waits since it is paused', isToldPaused);
    const { waits } = await admin.whyJob(jobId);
    expect((await studio.get(jobId)).waitsFor).toBe(waits[0]!.message);
    await studio.cancel(jobId);
    expect((await studio.get(jobId)).waitsFor).toBe('');
  });
});

describe('a node', () => {
  it('has the tags and pools that an admin gave it in place of its own, until they are reset', async () => {
    const gpus = [{ name: 'RTX', memoryBytes: 24 }];
    using _node = startFakeNode(farm.bus, 'tagged', { pools: ['a'], tags: ['own'], gpus });
    await listed('tagged');
    const own = { pools: ['a'], tags: ['own'] };
    expect((await studio.nodes())[0]).toMatchObject({ ...own, gpus });
    const set = await admin.setNode({ nodeId: 'tagged', tags: { names: ['x', 'y'] }, pools: { names: [] } });
    expect(set).toMatchObject({ tags: ['x', 'y'], pools: [] });
    expect(await admin.setNode({ nodeId: 'tagged', resetTags: true })).toMatchObject({
      ...{ tags: ['own'], pools: [] },
    });
    expect(await admin.setNode({ nodeId: 'tagged', resetPools: true })).toMatchObject(own);
    expect(await admin.whyNode('tagged')).toMatchObject({ nodeId: 'tagged', slots: 1, jobs: [] });
  });

  it('is removed once it is gone, with what was set for it; one that nobody knows is told', async () => {
    const nobody = { code: 'NODE_NOT_FOUND', message: 'there is no node "nobody"; "guian nodes" lists them' };
    await expect(admin.setNode({ nodeId: 'nobody', drain: true })).rejects.toMatchObject(nobody);
    await expect(admin.removeNode('nobody')).rejects.toMatchObject(nobody);
    await expect(admin.whyNode('nobody')).rejects.toMatchObject(nobody);
    {
      using _node = startFakeNode(farm.bus, 'leaver');
      await listed('leaver');
      await admin.setNode({ nodeId: 'leaver', drain: true });
      await expect(admin.removeNode('leaver')).rejects.toMatchObject(inUse(/^node leaver is drain/));
    }
    await waitFor(
      'it has left',
      async () => !(await studio.nodes()).some((node) => node.nodeId === 'leaver'),
    );
    // Something is set for it: it is known, though it is not there.
    expect(await admin.setNode({ nodeId: 'leaver', tags: { names: ['old'] } })).toMatchObject({
      ...{ state: 'lost', reason: 'it has not been heard of', tags: ['old'] },
    });
    await admin.removeNode('leaver');
    await expect(admin.removeNode('leaver')).rejects.toMatchObject({ code: 'NODE_NOT_FOUND' });
  });
});

describe('the journal', () => {
  it('lists who changed what and when, newest first, page by page', async () => {
    const before = Date.now();
    const bob = adminCalls(farm, 'bob@ws3');
    for (const share of [1.5, 2, 2.5, 3]) await bob.setStudio({ name: 'paged', share });
    await admin.removeStudio('paged');
    const first = await admin.journal(2);
    expect(first.entries).toMatchObject([
      { actor: 'ana@ws12', action: 'studio_removed', subject: 'paged', message: 'removed' },
      { actor: 'bob@ws3', action: 'studio_set', subject: 'paged', message: 'share 3' },
    ]);
    for (const { atMs } of first.entries) expect(atMs).toBeGreaterThanOrEqual(before);
    // What comes in between moves no page.
    await bob.setStudio({ name: 'between' });
    const second = await admin.journal(2, first.nextPageToken);
    expect(second.entries.map(({ message }) => message)).toEqual(['share 2.5', 'share 2']);
    let all = 0;
    for (let token = second.nextPageToken; token !== ''; ) {
      const page = await admin.journal(100, token);
      all += page.entries.length;
      token = page.nextPageToken;
    }
    expect(all).toBe(first.entries[0]!.sequence - 4);
    await bob.removeStudio('between');
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a page that is too long', () => admin.journal(1_001), /^page_size is 1001: /],
    ['a page of no list', () => admin.journal(1, 'last'), /^page_token is "last": /],
    ['nobody', () => admin.setStudio({ name: 'a', actor: '' }), /^actor is "": it names who asks/],
    ['a studio without a name', () => admin.setStudio({ name: '' }), /^name is "": /],
    ['a bad share', () => admin.setStudio({ name: 'a', share: -1 }), /^share is -1: /],
    ['a bad wait', () => admin.setPool({ name: 'p', targetWaitMs: 1 }), /^target_wait_ms is 1: /],
    ['a bad count', () => admin.setLicence({ name: 'l', total: 1, per: 'seat' }), /^per is "seat": /],
    ['a bad expiry', () => admin.reportLicence({ name: 'l', expiresAfterMs: 1 }), /^expires_after_ms is 1: /],
    ['a bad tag', () => admin.setNode({ nodeId: 'n', tags: { names: ['a b'] } }), /^tags\.0 is "a b": /],
    ['no node', () => admin.removeNode('a b'), /^node_id is "a b": /],
    ['a bad name', () => admin.removeLicence('a b'), /^name is "a b": /],
    [
      'a bad schedule',
      () => studio.submit(spec({ schedule: { priority: 101 } })),
      /^spec\.schedule\.priority is 101: /,
    ],
  ])('has nothing of a request with %s, which is refused', async (_, ask, message) => {
    const newest = (await admin.journal(1)).entries;
    await expect(ask()).rejects.toMatchObject({
      code: 'JOB_SPEC_INVALID',
      message: expect.stringMatching(message),
      cause: { code: 3 },
    });
    expect((await admin.journal(1)).entries).toEqual(newest);
  });
});

describe('what was set', () => {
  it('is still set after the coordinator was closed, and after it was killed right behind its answer', async () => {
    await using own = await startCoordinatorFarm();
    const [ana, jobs] = [adminCalls(own), farmCalls(own)];
    const settings = async () =>
      JSON.stringify([await ana.studios(), await ana.pools(), await ana.licences(), await ana.journal()]);
    await own.startProcess();
    await jobs.upload(SCENE);
    const { jobId } = (await jobs.submit()).job!;
    await ana.control({ jobId, priority: 77, paused: true, pool: 'gpu' });
    await ana.setStudio({ name: 'default', share: 2, maxSlots: 9 });
    await ana.setPool({ name: 'gpu', maxSlots: 8 });
    await ana.setLicence({ name: 'nuke', total: 5 });
    const before = await settings();
    await ana.setLicence({ name: 'arnold', total: 1 });
    await own.killProcess();
    await own.startProcess();
    expect(find(await ana.licences(), 'arnold')).toMatchObject({ total: 1 });
    await ana.removeLicence('arnold');
    await ana.setStudio({ name: 'late' });
    await own.killProcess();
    await own.start();
    expect((await ana.journal(2)).entries.map(({ action }) => action)).toEqual([
      'studio_set',
      'licence_removed',
    ]);
    await ana.removeStudio('late');
    await own.close();
    await own.start();
    const after = await settings();
    expect(JSON.parse(after).slice(0, 3)).toEqual(JSON.parse(before).slice(0, 3));
    expect(await jobs.get(jobId)).toMatchObject({ priority: 77, paused: true, pool: 'gpu' });
    expect(own.processLog).toBe('');
    await jobs.cancel(jobId);
  });
});
