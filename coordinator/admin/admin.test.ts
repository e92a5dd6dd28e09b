import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { createLogger } from '#shared/log.js';
import { type AdminJournal, adminJournal } from '../adapters/store/admin-journal.js';
import { makeFolder } from '../adapters/store/durable-file.js';
import { type AdminAction, adminActionSchema } from './actions.js';
import { Admin } from './admin.js';

const log = createLogger('test', 'silent');
const action = (value: object): AdminAction => adminActionSchema.parse(value);
const share = (value: number) => action({ kind: 'studio_set', studio: 'ana', share: value });
const shareOf = (admin: Admin) => [...admin.settings.studios.values()][0]?.share;
let root: string;
let journal: AdminJournal;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'guian-admin-'));
  await makeFolder(join(root, 'admin'));
  journal = adminJournal(root, log);
});
afterEach(async () => {
  await journal[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

const open = (parts: { journal?: AdminJournal; has?: (jobId: string) => boolean } = {}) =>
  Admin.open({
    journal: parts.journal ?? journal,
    jobs: { has: parts.has ?? (() => true) },
    clock: { nowMs: () => 77 },
    log,
  });

async function restarted(has?: (jobId: string) => boolean): Promise<Admin> {
  await journal[Symbol.asyncDispose]();
  journal = adminJournal(root, log);
  return open(has ? { has } : {});
}

describe('the admin plane', () => {
  it('takes no more names than can be listed, and one more when one is removed', async () => {
    const set = (index: number) => action({ kind: 'pool_set', pool: `p${index}`, minSlots: 1 });
    const before = Array.from({ length: LIMITS.settingsMax }, (_, index) => ({
      ...{ sequence: index + 1, atMs: 0, actor: 'ana@ws12', action: set(index) },
    }));
    const full: AdminJournal = {
      load: async (take) => before.forEach(take),
      append: async (entry) => ({ sequence: before.length + 1, ...entry }),
      page: (size) => journal.page(size),
      [Symbol.asyncDispose]: async () => undefined,
    };
    await using admin = await open({ journal: full });
    const refused = { code: 'SETTINGS_FULL', message: expect.stringMatching(/"guian pool remove NAME"/) };
    await expect(admin.apply('ana@ws12', set(-1))).rejects.toMatchObject(refused);
    await admin.apply('ana@ws12', action({ kind: 'pool_set', pool: 'p0', minSlots: 2 }));
    await admin.apply('ana@ws12', action({ kind: 'pool_removed', pool: 'p1' }));
    await admin.apply('ana@ws12', set(-1));
    expect(admin.settings.pools.size).toBe(LIMITS.settingsMax);
  });

  it('has a change in the journal before it is in force, and in force before it is told and answered', async () => {
    const steps: string[] = [];
    const slow: AdminJournal = {
      load: (take) => journal.load(take),
      page: (size, olderThan) => journal.page(size, olderThan),
      async append(entry) {
        const added = await journal.append(entry);
        steps.push(`journalled, in force is ${shareOf(admin)}`);
        return added;
      },
      [Symbol.asyncDispose]: () => journal[Symbol.asyncDispose](),
    };
    await using admin = await open({ journal: slow });
    const stop = admin.onChange(() => steps.push(`told, in force is ${shareOf(admin)}`));
    await admin.apply('ana@ws12', share(3));
    steps.push('answered');
    await admin.apply('ana@ws12', share(3));
    stop();
    await admin.apply('bob@ws1', share(4));
    expect(steps).toEqual([
      'journalled, in force is undefined',
      'told, in force is 3',
      'answered',
      // What was set already is no change, and whoever has stopped listening is not told.
      'journalled, in force is 3',
    ]);
    const { entries } = await journal.page(10);
    expect(entries.map(({ sequence, actor, atMs }) => [sequence, actor, atMs])).toEqual([
      [2, 'bob@ws1', 77],
      [1, 'ana@ws12', 77],
    ]);
  });

  it('takes changes one after the other, and looks whether each may be made when those before it are', async () => {
    await using admin = await open();
    const seen: unknown[] = [];
    const look = () => {
      seen.push(shareOf(admin));
    };
    const refusal = new FarmError('STILL_IN_USE', 'in use');
    const outcomes = await Promise.allSettled([
      admin.apply('a', share(2), look),
      admin.apply('a', share(3), () => {
        look();
        throw refusal;
      }),
      admin.apply('a', share(4), look),
    ]);
    expect(seen).toEqual([undefined, 2, 2]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: refusal });
    expect(shareOf(admin)).toBe(4);
  });

  it('changes nothing and tells nobody where the journal cannot be written', async () => {
    const full: AdminJournal = {
      load: async () => undefined,
      page: (size) => journal.page(size),
      append: () => Promise.reject(new FarmError('DISK_FULL', 'no space left')),
      [Symbol.asyncDispose]: async () => undefined,
    };
    await using admin = await open({ journal: full });
    let told = 0;
    admin.onChange(() => told++);
    const before = admin.settings;
    await expect(admin.apply('a', share(2))).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(admin.report('a', 'nuke', 3, 60_000)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(admin.settings).toBe(before);
    expect(admin.policy().licences.size).toBe(0);
    expect(told).toBe(0);
  });

  it('has after a restart what was in force, without reports and without jobs that nobody knows', async () => {
    const admin = await open();
    await admin.apply('a', share(2));
    for (const jobId of ['here', 'gone'])
      await admin.apply('a', action({ kind: 'job_set', jobId, priority: 9 }));
    await admin.report('a', 'nuke', 3, 60_000);
    const { settings } = admin;
    await admin[Symbol.asyncDispose]();
    await using again = await restarted((jobId) => jobId === 'here');
    expect(again.settings).toEqual({ ...settings, jobs: new Map([['here', { priority: 9 }]]) });
    expect(again.policy().licences.size).toBe(0);
  });

  it('journals and tells a report when it says something new; removing the licence ends it', async () => {
    await using admin = await open();
    let told = 0;
    admin.onChange(() => told++);
    for (const total of [3, 3, 2, 2]) await admin.report('server@lic', 'nuke', total, 60_000);
    expect(told).toBe(2);
    expect(admin.policy().licences.get('nuke')).toEqual({ total: 2, per: 'slot' });
    await admin.apply('a', action({ kind: 'licence_removed', licence: 'nuke' }));
    expect(admin.policy().licences.has('nuke')).toBe(false);
    expect((await journal.page(9)).entries.map((entry) => entry.action.kind)).toEqual([
      ...['licence_removed', 'licence_reported', 'licence_reported'],
    ]);
  });
});
