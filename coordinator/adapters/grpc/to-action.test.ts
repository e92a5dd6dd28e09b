import { describe, expect, it } from 'vitest';
import type { AdminAction } from '../../admin/actions.js';
import {
  toActor,
  toJobAction,
  toLicenceAction,
  toLicenceReport,
  toNodeAction,
  toPoolAction,
  toStudioAction,
} from './to-action.js';

const studio = { name: 'ana', actor: 'x' };
const node = { nodeId: 'n1', tags: null, pools: null, resetTags: false, resetPools: false, actor: 'x' };
const job = (changes: object) => toJobAction({ jobId: 'shot', actor: 'x', ...changes }, 'shot');
const names = (count: number) => ({ names: Array.from({ length: count }, (_, index) => `t${index}`) });
const LONG = 'a'.repeat(129);

describe('what an admin asks for', () => {
  it('becomes an action that has what was given and nothing else', () => {
    const actions: [AdminAction, object][] = [
      [toStudioAction({ ...studio, share: 0.5 }), { kind: 'studio_set', studio: 'ana', share: 0.5 }],
      [toStudioAction(studio), { kind: 'studio_set', studio: 'ana' }],
      [
        toPoolAction({ name: 'gpu.a', idleMs: 0, minSlots: 2, actor: 'x' }),
        { kind: 'pool_set', pool: 'gpu.a', idleMs: 0, minSlots: 2 },
      ],
      [
        toLicenceAction({ name: 'nuke', total: 0, per: '', actor: 'x' }),
        { kind: 'licence_set', licence: 'nuke', total: 0 },
      ],
      [
        toNodeAction({ ...node, drain: false, tags: { names: ['b', 'a', 'b'] }, resetPools: true }),
        { kind: 'node_set', nodeId: 'n1', drain: false, tags: ['b', 'a'], pools: null },
      ],
      [toNodeAction({ ...node, pools: { names: [] } }), { kind: 'node_set', nodeId: 'n1', pools: [] }],
      [job({ pool: '', paused: false }), { kind: 'job_set', jobId: 'shot', pool: '', paused: false }],
      [job({ priority: 0, maxSlots: 0 }), { kind: 'job_set', jobId: 'shot', priority: 0, maxSlots: 0 }],
    ];
    for (const [action, wanted] of actions) expect(JSON.parse(JSON.stringify(action))).toEqual(wanted);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a nameless studio', () => toStudioAction({ ...studio, name: '' }), /^name is "": a studio is 1 to 128/],
    ['a studio with a dot', () => toStudioAction({ ...studio, name: 'a.b' }), /^name is "a\.b": a studio is/],
    ['a share of nothing', () => toStudioAction({ ...studio, share: 0 }), /^share is 0: .*>=0\.001/],
    ['a share of all', () => toStudioAction({ ...studio, share: 1e7 }), /^share is 10000000: .*<=1000000/],
    ['a share that is none', () => toStudioAction({ ...studio, share: Number.NaN }), /^share is null: /],
    [
      'slots without end',
      () => toStudioAction({ ...studio, maxSlots: 4e9 }),
      /^max_slots is 4000000000: .*<=10000000/,
    ],
    ['a long name', () => toPoolAction({ name: LONG, actor: 'x' }), /^name is "a+.*: a name is 1 to 128/],
    [
      'no wait at all',
      () => toPoolAction({ name: 'p', targetWaitMs: 0, actor: 'x' }),
      /^target_wait_ms is 0: .*>=1000/,
    ],
    ['eternal idling', () => toPoolAction({ name: 'p', idleMs: 2 ** 60, actor: 'x' }), /^idle_ms is \d+: /],
    [
      'tokens per moon',
      () => toLicenceAction({ name: 'l', per: 'moon', actor: 'x' }),
      /^per is "moon": .*"slot"\|"node"/,
    ],
    [
      'a report for a moment',
      () => toLicenceReport({ name: 'l', total: 1, expiresAfterMs: 0, actor: 'x' }),
      /^expires_after_ms is 0: .*>=1000/,
    ],
    [
      'a report for a week',
      () => toLicenceReport({ name: 'l', total: 1, expiresAfterMs: 7 * 86_400_000, actor: 'x' }),
      /^expires_after_ms is 604800000: .*<=86400000/,
    ],
    [
      'a node of no name',
      () => toNodeAction({ ...node, nodeId: '', drain: true }),
      /^node_id is "": a node id/,
    ],
    [
      'no change of a node',
      () => toNodeAction(node),
      /^nothing is to change; give one or more of drain, tags/,
    ],
    [
      'tags and their reset',
      () => toNodeAction({ ...node, tags: names(1), resetTags: true }),
      /^tags and reset_tags exclude each other/,
    ],
    ['many tags', () => toNodeAction({ ...node, tags: names(65) }), /^tags: .*<=64/],
    ['a blank tag', () => toNodeAction({ ...node, tags: { names: [' '] } }), /^tags\.0 is " ": a name is/],
    ['a priority above all', () => job({ priority: 101 }), /^priority is 101: .*<=100/],
    ['a pool of two words', () => job({ pool: 'a b' }), /^pool is "a b": a pool is .*, or empty for any/],
    ['no change of a job', () => job({}), /^nothing is to change; give one or more of priority, paused/],
    ['nobody', () => toActor(''), /^actor is "": it names who asks, e\.g\. ana@ws12/],
    ['two lines of somebody', () => toActor('a\nb'), /^actor is "a\\nb": it names who asks/],
    [
      'more tags than anybody writes',
      () => toNodeAction({ ...node, tags: { names: Array.from({ length: 1_001 }, () => 't') } }),
      /^tags: it lists 1001 names; 1000 is the most$/,
    ],
    ['blanks', () => toActor('  '), /^actor is " {2}": it names who asks/],
    [
      'colours of a terminal',
      () => toActor('a\u009b31m'),
      /^actor is .*: it names who asks.* can be printed$/,
    ],
    ['a name that reads backwards', () => toActor('ana\u202ebob'), /^actor is .*: it names who asks/],
  ])('is refused for %s, in one line that names field, value and what is allowed', (_, ask, message) => {
    expect(ask).toThrow(
      expect.objectContaining({ code: 'JOB_SPEC_INVALID', message: expect.stringMatching(message) }),
    );
    expect(ask).not.toThrow(/\n/);
  });
});
