import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdminAction, adminActionSchema } from './actions.js';
import { applyAction, SettingsFold } from './apply-action.js';
import { describeAction, subjectOf } from './describe-action.js';
import type { AdminSettings } from './settings.js';

const name = fc.constantFrom('a', 'b', 'c');
const few = fc.integer({ min: 0, max: 3 });
const names = fc.option(fc.array(name, { maxLength: 2 }), { nil: null });
/** All fields but `kind` and the name may be left out. */
const action = (
  kind: AdminAction['kind'],
  subject: string,
  fields: Record<string, fc.Arbitrary<unknown>> = {},
) =>
  fc
    .record({ [subject]: name, ...fields }, { requiredKeys: [subject] })
    .map((values) => adminActionSchema.parse({ kind, ...values }));

const anyAction: fc.Arbitrary<AdminAction> = fc.oneof(
  action('studio_set', 'studio', { share: fc.constantFrom(0.5, 1, 3), maxSlots: few }),
  action('studio_removed', 'studio'),
  action('pool_set', 'pool', {
    targetWaitMs: fc.constantFrom(1_000, 2_000),
    minSlots: few,
    maxSlots: few,
    idleMs: few,
  }),
  action('pool_removed', 'pool'),
  action('licence_set', 'licence', { total: few, per: fc.constantFrom('slot', 'node') }),
  action('licence_removed', 'licence'),
  name.chain((licence) => few.map((total) => ({ kind: 'licence_reported', licence, total }) as const)),
  action('node_set', 'nodeId', { drain: fc.boolean(), tags: names, pools: names }),
  action('node_removed', 'nodeId'),
  action('job_set', 'jobId', {
    priority: few,
    paused: fc.boolean(),
    pool: fc.constantFrom('', 'a'),
    ignoreAfter: fc.boolean(),
    maxSlots: few,
  }),
);

const NO_SETTINGS = new SettingsFold().settings(() => true);
const live = (actions: readonly AdminAction[]) => actions.reduce(applyAction, NO_SETTINGS);
const parse = (value: object) => adminActionSchema.parse(value);

describe('the settings', () => {
  it('after a restart are those of before: the journal gives the same whether it is lived or read', () => {
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 60 }), (actions) => {
        const fold = new SettingsFold();
        for (const one of actions) fold.add(one);
        expect(fold.settings(() => true)).toEqual(live(actions));
      }),
    );
  });

  it('stay the very same object where nothing changes, and never change under whoever holds them', () => {
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 30 }), anyAction, (actions, last) => {
        const before = live(actions);
        const copy = structuredClone(before);
        const after = applyAction(before, last);
        expect(before).toEqual(copy);
        // The same object says "nothing has changed", and nothing else does.
        expect(after === before).toBe(JSON.stringify(text(after)) === JSON.stringify(text(before)));
        expect(applyAction(after, last)).toBe(after);
      }),
    );
  });

  it('of one name are nobody else’s', () => {
    fc.assert(
      fc.property(fc.array(anyAction, { maxLength: 40 }), name, (actions, wanted) => {
        const all = live(actions);
        const own = live(actions.filter((one) => subjectOf(one) === wanted));
        for (const part of ['studios', 'pools', 'licences', 'nodes', 'jobs'] as const)
          expect((all[part] as Map<string, unknown>).get(wanted)).toEqual(
            (own[part] as Map<string, unknown>).get(wanted),
          );
      }),
    );
  });

  it('begin with the defaults, and keep what a later change leaves out', () => {
    const settings = live([
      parse({ kind: 'studio_set', studio: 'ana', share: 3 }),
      parse({ kind: 'studio_set', studio: 'ana', maxSlots: 40 }),
      parse({ kind: 'pool_set', pool: 'gpu', minSlots: 4 }),
      parse({ kind: 'licence_set', licence: 'nuke', total: 2, per: 'node' }),
      parse({ kind: 'licence_set', licence: 'nuke', total: 5 }),
      parse({ kind: 'job_set', jobId: 'shot', priority: 80 }),
      parse({ kind: 'job_set', jobId: 'shot', pool: '' }),
    ]);
    expect([...settings.studios]).toEqual([['ana', { share: 3, maxSlots: 40 }]]);
    expect([...settings.pools]).toEqual([
      ['gpu', { targetWaitMs: 600_000, minSlots: 4, maxSlots: 0, idleMs: 600_000 }],
    ]);
    expect([...settings.licences]).toEqual([['nuke', { total: 5, per: 'node' }]]);
    expect([...settings.jobs]).toEqual([['shot', { priority: 80, pool: '' }]]);
  });

  it('of a node that is as it says itself are gone', () => {
    const set = live([parse({ kind: 'node_set', nodeId: 'n1', drain: true, tags: ['big'], pools: [] })]);
    expect([...set.nodes]).toEqual([['n1', { isDrained: true, tags: ['big'], pools: [] }]]);
    const reset = parse({ kind: 'node_set', nodeId: 'n1', drain: false, tags: null, pools: null });
    expect(applyAction(set, reset).nodes.size).toBe(0);
  });

  it('leave out jobs that nobody knows any more', () => {
    const fold = new SettingsFold();
    for (const jobId of ['here', 'gone']) fold.add(parse({ kind: 'job_set', jobId, priority: 1 }));
    expect([...fold.settings((jobId) => jobId === 'here').jobs.keys()]).toEqual(['here']);
  });
});

describe('an action in words', () => {
  it('is one line that says what was given and nothing else', () => {
    fc.assert(
      fc.property(anyAction, (one) => {
        expect(describeAction(one)).toMatch(/^[^\n]+$/);
        expect(describeAction(one)).not.toContain('undefined');
      }),
    );
    const words = (value: object) => describeAction(parse(value));
    expect(words({ kind: 'node_set', nodeId: 'n', drain: true, tags: ['a', 'b'], pools: null })).toBe(
      'drain on, tags a b, pools its own',
    );
    expect(words({ kind: 'job_set', jobId: 'j', paused: false, pool: '' })).toBe('pause off, pool any');
    expect(words({ kind: 'studio_set', studio: 's' })).toBe('as by default');
    expect(words({ kind: 'pool_removed', pool: 'p' })).toBe('removed');
  });
});

/** Sorted, since a Map has an order and the settings have none. */
function text(settings: AdminSettings): unknown {
  return Object.values(settings).map((part: ReadonlyMap<string, object>) =>
    [...part].sort().map(([key, value]) => [key, Object.entries(value).sort()]),
  );
}
