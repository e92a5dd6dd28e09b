import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdSchema, studioSchema } from '#shared/domain/ids.js';
import { sampleJob, sampleNode } from '#tests/support/farm-samples.js';
import { POOL_DEFAULT, type PoolPolicy } from '../admin/settings.js';
import { poolLoads } from './pool-loads.js';
import { type PoolLoad, type ScaleState, scaleAdvice } from './scale-advice.js';

const MINUTE = 60_000;
const NONE: ScaleState = new Map();
const load = (changes: Partial<PoolLoad> = {}, policy: Partial<PoolPolicy> = {}): PoolLoad => ({
  pool: 'day',
  policy: { ...POOL_DEFAULT, ...policy },
  slots: 0,
  coresPerSlot: 1,
  backlogCoreSeconds: 0,
  slotsUsable: 1_000,
  ...changes,
});
const advise = (one: PoolLoad, state: ScaleState = NONE, nowMs = 0) => {
  const { pools, ...rest } = scaleAdvice([one], state, nowMs);
  return { ...rest, advice: pools[0]! };
};
const reason = (one: PoolLoad, state?: ScaleState, nowMs?: number) => advise(one, state, nowMs).advice.reason;
const wanted = (one: PoolLoad, state?: ScaleState, nowMs?: number) =>
  advise(one, state, nowMs).advice.slotsWanted;

describe('of a pool it is advised', () => {
  it.each<[string, PoolLoad, number, string]>([
    [
      'what renders its backlog in time',
      load({ backlogCoreSeconds: 7_200 }),
      12,
      '7200 core-seconds in 10m take 12 slots',
    ],
    [
      'fewer where a slot has several cores',
      load({ backlogCoreSeconds: 7_200, coresPerSlot: 8 }),
      2,
      '7200 core-seconds in 10m take 2 slots of 8 cores',
    ],
    [
      'no more than there are tiles',
      load({ backlogCoreSeconds: 7_200, slotsUsable: 3 }),
      3,
      '7200 core-seconds in 10m take 12 slots, and its jobs have tiles for 3',
    ],
    ['nothing, when there is nothing to do', load({ slotsUsable: 0 }), 0, 'nothing to render'],
    [
      'one slot, while nothing is known of the costs',
      load({ slotsUsable: 40 }),
      1,
      '1 slot to learn what its tiles cost',
    ],
    [
      'its minimum',
      load({ slotsUsable: 0 }, { minSlots: 2 }),
      2,
      'nothing to render; its minimum is 2: guian pool set day --min-slots 0',
    ],
    [
      'its maximum',
      load({ backlogCoreSeconds: 7_200 }, { maxSlots: 8 }),
      8,
      '7200 core-seconds in 10m take 12 slots; its maximum is 8: guian pool set day --max-slots 12',
    ],
    [
      'what is there, at first sight',
      load({ slots: 9, slotsUsable: 0 }),
      9,
      'nothing to render; 9 kept until less has been needed for 10m',
    ],
  ])('%s', (_, one, slots, text) => {
    expect([wanted(one), reason(one)]).toEqual([slots, text]);
  });

  it('what was needed within its idle time, then the most that was needed since', () => {
    const busy = load({ backlogCoreSeconds: 7_200 });
    const less = load({ backlogCoreSeconds: 3_000 });
    const idle = load({ slotsUsable: 0 });
    let { state, changesAtMs } = advise(busy);
    expect(changesAtMs).toBeUndefined();
    ({ state, changesAtMs } = advise(less, state, MINUTE));
    expect(changesAtMs).toBe(11 * MINUTE);
    ({ state } = advise(idle, state, 2 * MINUTE));
    expect(wanted(idle, state, 11 * MINUTE - 1)).toBe(12);
    ({ state, changesAtMs } = advise(idle, state, 11 * MINUTE));
    expect([wanted(idle, state, 11 * MINUTE), changesAtMs]).toEqual([5, 21 * MINUTE]);
    expect(wanted(idle, state, 21 * MINUTE)).toBe(0);
    expect(wanted(busy, state, 12 * MINUTE)).toBe(12);
  });
});

const anyPolicy = fc
  .record({
    targetWaitMs: fc.integer({ min: 1_000, max: 3_600_000 }),
    minSlots: fc.integer({ min: 0, max: 20 }),
    maxSlots: fc.oneof(fc.constant(0), fc.integer({ min: 20, max: 200 })),
    idleMs: fc.integer({ min: 0, max: 20 * MINUTE }),
  })
  .map((policy): PoolPolicy => policy);
const anyStep = fc.record({
  backlogCoreSeconds: fc.integer({ min: 0, max: 100_000 }),
  slotsUsable: fc.integer({ min: 0, max: 300 }),
  waitMs: fc.integer({ min: 0, max: 10 * MINUTE }),
});
const anyHistory = fc.array(anyStep, { minLength: 1, maxLength: 30 });

/** One after the other. */
function follow(policy: PoolPolicy, history: readonly { readonly waitMs: number }[]) {
  let state = NONE;
  let nowMs = 0;
  return history.map(({ waitMs, ...changes }) => {
    nowMs += waitMs;
    const one = load(changes, policy);
    const { advice, state: next, changesAtMs } = advise(one, state, nowMs);
    const need = advise(one, NONE, nowMs).advice.slotsWanted;
    const before = state;
    state = next;
    return { one, advice, need, nowMs, before, state, changesAtMs };
  });
}

describe('whatever happens, the advice', () => {
  it('is within bounds, is what is needed or more, and falls only when less was needed for the idle time', () => {
    fc.assert(
      fc.property(anyPolicy, anyHistory, (policy, history) => {
        const steps = follow(policy, history);
        for (const [index, { advice, need, nowMs }] of steps.entries()) {
          expect(advice.slotsWanted).toBeGreaterThanOrEqual(Math.max(policy.minSlots, need));
          if (policy.maxSlots > 0) expect(advice.slotsWanted).toBeLessThanOrEqual(policy.maxSlots);
          const lately = steps.slice(0, index + 1).filter((step) => nowMs - step.nowMs < policy.idleMs);
          for (const step of lately) expect(advice.slotsWanted).toBeGreaterThanOrEqual(step.need);
          const held = steps.slice(0, index + 1).map((step) => step.need);
          expect(held).toContain(advice.slotsWanted);
        }
      }),
    );
  });

  it('grows with the backlog', () => {
    fc.assert(
      fc.property(anyPolicy, anyHistory, fc.nat(50_000), (policy, history, more) => {
        const { one, advice, before, nowMs } = follow(policy, history).at(-1)!;
        const larger = { ...one, backlogCoreSeconds: one.backlogCoreSeconds + more };
        expect(wanted(larger, before, nowMs)).toBeGreaterThanOrEqual(advice.slotsWanted);
      }),
    );
  });

  it('stays as it is while nothing changes, until the time that it names', () => {
    fc.assert(
      fc.property(anyPolicy, anyHistory, (policy, history) => {
        const { one, advice, state, nowMs, changesAtMs } = follow(policy, history).at(-1)!;
        expect(advise(one, state, nowMs)).toMatchObject({ advice, changesAtMs });
        const lastMs = changesAtMs === undefined ? nowMs + 100 * MINUTE : changesAtMs - 1;
        expect(advise(one, state, Math.max(nowMs, lastMs)).advice).toEqual(advice);
        if (changesAtMs !== undefined)
          expect(wanted(one, state, changesAtMs)).toBeLessThan(advice.slotsWanted);
      }),
    );
  });
});

describe('the load of a pool', () => {
  const day = { pools: new Set(['day']) };
  const both = { pools: new Set(['day', 'night']) };
  const nodes = [
    sampleNode('n1', day),
    sampleNode('n2', { ...both, slots: 2, cores: 16 }),
    sampleNode('n3', { ...day, state: 'lost' }),
    sampleNode('n4'),
  ];
  const jobs = [
    sampleJob('j1', { pool: 'day', demand: 9 }),
    sampleJob('j2', { pool: 'day', demand: 9, maxSlots: 2 }),
    sampleJob('j3', { pool: 'day', gate: { kind: 'paused' } }),
    sampleJob('j4', { licences: ['nuke'], studio: studioSchema.parse('ads') }),
    sampleJob('j5', { pool: 'far' }),
    // Nobody has its renderer, as on a farm that has no node yet.
    sampleJob('j6', { pool: 'new', demand: 5, gate: { kind: 'renderer', renderer: 'gltf' } }),
  ];
  const policy = { studios: new Map(), licences: new Map([['nuke', { total: 3, per: 'slot' as const }]]) };

  it('is the nodes that take tiles and the jobs that may run, as far as limits and licences let them', () => {
    const loads = poolLoads({ nodes, jobs }, policy, new Map([['idle', POOL_DEFAULT]]), (jobId) =>
      jobId === jobIdSchema.parse('j1') ? 500 : 0,
    );
    expect(
      loads.map((one) => [one.pool, one.slots, one.coresPerSlot, one.backlogCoreSeconds, one.slotsUsable]),
    ).toEqual([
      ['', 4, 1, 0, 3],
      ['day', 6, 20 / 6, 500, 11],
      ['far', 0, 1, 0, 8],
      ['idle', 0, 1, 0, 0],
      ['new', 0, 1, 0, 5],
      ['night', 2, 8, 0, 0],
    ]);
  });
});
