import { describe, expect, it } from 'vitest';
import { jobIdSchema, nodeIdSchema } from '#shared/domain/ids.js';
import { jobScheduleSchema } from '#shared/domain/schedule.js';
import { adminActionSchema } from './actions.js';
import { applyAction, SettingsFold } from './apply-action.js';
import { assertLicenceIsFree, assertPoolIsFree } from './in-use.js';

const NO_SETTINGS = new SettingsFold().settings(() => true);

const settings = (...actions: object[]) =>
  actions.reduce<typeof NO_SETTINGS>(
    (before, action) => applyAction(before, adminActionSchema.parse(action)),
    NO_SETTINGS,
  );
const GPU = { kind: 'pool_set', pool: 'gpu' };
const node = (nodeId: string, ...pools: string[]) => ({ nodeId: nodeIdSchema.parse(nodeId), pools });
const job = (jobId: string, schedule: object) => ({
  jobId: jobIdSchema.parse(jobId),
  record: { schedule: jobScheduleSchema.parse(schedule) },
});
const NOBODY = { nodes: [], jobs: [] };

describe('a pool', () => {
  it('that nobody is in may be removed, and one that is not set may not', () => {
    expect(() => assertPoolIsFree('gpu', settings(GPU), NOBODY)).not.toThrow();
    const others = { nodes: [node('n1', 'cpu')], jobs: [job('shot', { needs: { pool: 'cpu' } })] };
    expect(() => assertPoolIsFree('gpu', settings(GPU), others)).not.toThrow();
    expect(() => assertPoolIsFree('cpu', settings(GPU), NOBODY)).toThrow(
      'nothing is set for pool "cpu"; "guian pool list" shows what is',
    );
  });

  it('is in use by nodes that say so and by jobs that ask for it, unless an admin has moved them', () => {
    const users = {
      nodes: [node('n1', 'gpu'), node('n2', 'gpu')],
      jobs: [job('shot', { needs: { pool: 'gpu' } })],
    };
    expect(() => assertPoolIsFree('gpu', settings(GPU), users)).toThrow(
      'pool "gpu" is in use by node n1 and 1 more and job shot; "guian node pool" ends it for a node, "guian job move" ends it for a job',
    );
    const moved = settings(GPU, ...['n1', 'n2'].map((nodeId) => ({ kind: 'node_set', nodeId, pools: [] })), {
      kind: 'job_set',
      jobId: 'shot',
      pool: '',
    });
    expect(() => assertPoolIsFree('gpu', moved, users)).not.toThrow();
  });

  it('is in use by a node that was put into it and is away', () => {
    const set = settings(GPU, { kind: 'node_set', nodeId: 'n9', pools: ['gpu'] });
    expect(() => assertPoolIsFree('gpu', set, NOBODY)).toThrow(
      expect.objectContaining({ code: 'STILL_IN_USE' }),
    );
    // It says otherwise itself, and the admin's word counts.
    expect(() => assertPoolIsFree('gpu', set, { ...NOBODY, nodes: [node('n9', 'cpu')] })).toThrow(
      /by node n9;/,
    );
  });
});

describe('a licence', () => {
  it('is in use by jobs that need it, and is there when it is configured or reported', () => {
    const set = settings({ kind: 'licence_set', licence: 'nuke', total: 1 });
    const jobs = [job('comp', { licences: ['nuke', 'arnold'] })];
    expect(() => assertLicenceIsFree('nuke', set, false, { jobs })).toThrow(
      'licence "nuke" is in use by job comp; "guian job cancel" ends it for a job',
    );
    expect(() => assertLicenceIsFree('nuke', set, false, { jobs: [] })).not.toThrow();
    expect(() => assertLicenceIsFree('arnold', set, true, { jobs: [] })).not.toThrow();
    expect(() => assertLicenceIsFree('arnold', set, false, { jobs: [] })).toThrow(
      expect.objectContaining({ code: 'SETTING_NOT_FOUND' }),
    );
  });
});
