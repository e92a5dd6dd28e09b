import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  capOf,
  heldParts,
  type JobLoad,
  type JobShare,
  nextJob,
  planPulls,
  prefetchDepth,
} from './fair-share.js';

const load = (change: Partial<JobLoad> = {}): JobLoad => ({
  slots: 1,
  buffered: 0,
  outstanding: 0,
  askedAtMs: 0,
  rendering: 0,
  isDry: false,
  canPull: true,
  ...change,
});
const anyShare = fc
  .record({ slots: fc.nat(4), slotsMax: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }) })
  .map(
    ({ slots, slotsMax }): JobShare =>
      slotsMax === undefined ? { slots } : { slots: Math.min(slots, slotsMax), slotsMax },
  );
const anyLoad = fc
  .record({
    share: anyShare,
    buffered: fc.nat(6),
    outstanding: fc.nat(6),
    askedAtMs: fc.nat(100),
    rendering: fc.nat(4),
    isDry: fc.boolean(),
    canPull: fc.boolean(),
  })
  .map(({ share, ...rest }): JobLoad => ({ ...share, ...rest }));
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('the next tile', () => {
  test('comes from the job that has least of its slots, the longest unserved first', () => {
    expect(nextJob([])).toBe(-1);
    expect(nextJob([{ slots: 1, ready: 0, rendering: 0, servedAt: 0 }])).toBe(-1);
    const jobs = [
      { slots: 1, ready: 9, rendering: 2, servedAt: 1 },
      { slots: 1, ready: 1, rendering: 1, servedAt: 5 },
      { slots: 1, ready: 1, rendering: 1, servedAt: 3 },
    ];
    expect(nextJob(jobs)).toBe(2);
    expect(nextJob(jobs.map((job, index) => (index === 0 ? { ...job, slots: 3 } : job)))).toBe(0);
    expect(nextJob(jobs.map((job) => ({ ...job, slotsMax: 1 })))).toBe(-1);
  });

  test('is always found while a job below its cap has a ready one, first for those that lack slots of their own', () => {
    const job = fc
      .record({ share: anyShare, ready: fc.nat(3), rendering: fc.nat(5), servedAt: fc.nat(100) })
      .map(({ share, ...rest }) => ({ ...share, ...rest }));
    fc.assert(
      fc.property(fc.array(job, { maxLength: 8 }), (jobs) => {
        const index = nextJob(jobs);
        const able = jobs.filter((one) => one.ready > 0 && one.rendering < capOf(one));
        if (able.length === 0) return index === -1;
        const chosen = jobs[index]!;
        const lacks = (one: (typeof jobs)[number]) => one.rendering < one.slots;
        return able.includes(chosen) && (lacks(chosen) || !able.some(lacks));
      }),
    );
  });

  test('gives each job its slots while all have tiles, bursts into the rest, and passes no cap, however tiles end', () => {
    const node = fc.record({
      shares: fc.array(anyShare, { minLength: 1, maxLength: 6 }),
      extraSlots: fc.nat(4),
      ends: fc.array(fc.record({ of: fc.nat(20), dry: fc.option(fc.nat(5), { nil: undefined }) }), {
        maxLength: 40,
      }),
    });
    fc.assert(
      fc.property(node, ({ shares, extraSlots, ends }) => {
        const slots = sum(shares.map((share) => share.slots)) + extraSlots;
        const jobs = shares.map((share) => ({ ...share, ready: 1_000, rendering: 0, servedAt: 0 }));
        let served = 0;
        const fill = () => {
          while (sum(jobs.map(({ rendering }) => rendering)) < slots) {
            const chosen = jobs[nextJob(jobs)];
            if (!chosen) break;
            chosen.rendering++;
            chosen.servedAt = ++served;
            expect(chosen.rendering).toBeLessThanOrEqual(capOf(chosen));
          }
          const used = sum(jobs.map(({ rendering }) => rendering));
          const isAllCapped = jobs.every((one) => one.ready === 0 || one.rendering === capOf(one));
          expect(used === slots || isAllCapped, 'no slot idle for nothing').toBe(true);
        };
        fill();
        for (const one of jobs)
          expect(one.rendering, 'its slots from the start').toBeGreaterThanOrEqual(one.slots);
        for (const { of, dry } of ends) {
          const busy = jobs.filter(({ rendering }) => rendering > 0);
          if (busy.length > 0) busy[of % busy.length]!.rendering--;
          for (const [index, one] of jobs.entries()) one.ready = index === dry ? 0 : 1_000;
          fill();
        }
        // Whatever was before: when all have tiles, each has its slots after one more tile of each slot.
        for (const one of jobs) one.ready = 1_000;
        for (let tile = 0; tile < slots; tile++) {
          const over = jobs.find((one) => one.rendering > one.slots);
          if (over) over.rendering--;
          fill();
        }
        for (const one of jobs) expect(one.rendering).toBeGreaterThanOrEqual(one.slots);
      }),
    );
  });
});

describe('pulls', () => {
  test('never bring more than the depth, plus one probe per slot for jobs whose queue was empty', () => {
    fc.assert(
      fc.property(
        fc.array(anyLoad, { maxLength: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        (jobs, slots, factor) => {
          const depth = slots * 2 * factor;
          const wants = planPulls(jobs, slots, depth);
          const isProbe = (job: JobLoad) => job.isDry && job.outstanding <= 1;
          const held = jobs.map((job) => job.buffered + job.rendering + (isProbe(job) ? 0 : job.outstanding));
          const wet = wants.filter((_, index) => !jobs[index]!.isDry);
          const dry = wants.filter((_, index) => jobs[index]!.isDry);
          const probesOut = sum(jobs.map((job) => (isProbe(job) ? job.outstanding : 0)));
          expect(sum(wet)).toBeLessThanOrEqual(Math.max(0, depth - sum(held)));
          for (const [index, job] of jobs.entries()) {
            const atHand = job.buffered + job.rendering + job.outstanding + wants[index]!;
            if (wants[index]! > 0) expect(atHand).toBeLessThanOrEqual(2 * capOf(job));
          }
          const startable = jobs.map((job) =>
            Math.min(
              job.buffered + (isProbe(job) ? 0 : job.outstanding),
              Math.max(0, capOf(job) - job.rendering),
            ),
          );
          const isHungry = sum(startable) + sum(jobs.map(({ rendering }) => rendering)) < slots;
          expect(sum(dry)).toBeLessThanOrEqual(Math.max(0, (isHungry ? 4 : 1) * slots - probesOut));
          for (const [index, want] of wants.entries()) if (want > 0) expect(jobs[index]!.canPull).toBe(true);
        },
      ),
    );
  });

  test('fill an idle node at once, with equal shares', () => {
    expect(planPulls([load(), load()], 2, 4)).toEqual([2, 2]);
    expect(planPulls([load({ rendering: 2, buffered: 1 }), load()], 2, 4)).toEqual([0, 1]);
  });

  test('are in proportion to slots, and a job that comes to its slots need not wait for a quarter of the depth', () => {
    expect(planPulls([load({ slots: 3 }), load()], 4, 8)).toEqual([6, 2]);
    const settled = load({ slots: 7, rendering: 8, buffered: 6 });
    expect(planPulls([settled, load()], 8, 16)).toEqual([0, 2]);
  });

  test('of a capped job bring one tile to render and one to follow, and keep no slot from others meanwhile', () => {
    expect(planPulls([load({ slotsMax: 1 })], 8, 16)).toEqual([2]);
    const capped = load({ slotsMax: 1, rendering: 1, buffered: 1 });
    expect(planPulls([capped, load({ slots: 7, rendering: 6 })], 8, 16)).toEqual([0, 8]);
  });

  test('leave no slot hungry because another job is dry', () => {
    const dry = load({ isDry: true, outstanding: 1 });
    expect(planPulls([dry, dry, load({ rendering: 2 })], 2, 4)).toEqual([0, 0, 2]);
  });

  test('ask every dry job in turn, and several at once for a hungry slot', () => {
    const dry = (askedAtMs: number) => load({ isDry: true, askedAtMs });
    const busy = load({ rendering: 1, buffered: 1 });
    expect(planPulls([dry(3), dry(1), dry(2), busy], 1, 2)).toEqual([0, 1, 0, 0]);
    expect(planPulls([dry(3), dry(1), dry(2)], 1, 2)).toEqual([1, 1, 1]);
  });
});

test('tiles of a few ms are prefetched deeper, long ones never beyond two per slot', () => {
  expect(prefetchDepth(2, undefined)).toBe(4);
  expect(prefetchDepth(2, 5_000)).toBe(4);
  expect(prefetchDepth(2, 1)).toBe(40);
  expect(prefetchDepth(2, 0)).toBe(128);
});

test('parts of the depth are in proportion to slots, at least one tile, and twice a cap', () => {
  expect(heldParts([{ slots: 3 }, { slots: 1 }], 8)).toEqual([6, 2]);
  expect(heldParts([{ slots: 4 }, { slots: 0 }], 8)).toEqual([8, 1]);
  expect(heldParts([{ slots: 2, slotsMax: 2 }, { slots: 0 }], 32)).toEqual([4, 1]);
  expect(heldParts([{ slots: 0 }, { slots: 0 }], 8)).toEqual([4, 4]);
});
