import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type JobLoad, nextJob, planPulls, prefetchDepth } from './fair-share.js';

const load = (change: Partial<JobLoad> = {}): JobLoad => ({
  buffered: 0,
  outstanding: 0,
  askedAtMs: 0,
  rendering: 0,
  isDry: false,
  canPull: true,
  ...change,
});
const anyLoad = fc.record({
  buffered: fc.nat(6),
  outstanding: fc.nat(6),
  askedAtMs: fc.nat(100),
  rendering: fc.nat(4),
  isDry: fc.boolean(),
  canPull: fc.boolean(),
});
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

describe('the next tile', () => {
  test('comes from the job with the fewest rendering tiles, the longest unserved first', () => {
    expect(nextJob([])).toBe(-1);
    expect(nextJob([{ ready: 0, rendering: 0, servedAt: 0 }])).toBe(-1);
    const jobs = [
      { ready: 9, rendering: 2, servedAt: 1 },
      { ready: 1, rendering: 1, servedAt: 5 },
      { ready: 1, rendering: 1, servedAt: 3 },
    ];
    expect(nextJob(jobs)).toBe(2);
  });

  test('is always found while any job has a ready one, and two busy jobs share the slots evenly', () => {
    const job = fc.record({ ready: fc.nat(3), rendering: fc.nat(5), servedAt: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(job, { maxLength: 8 }), (jobs) => {
        const index = nextJob(jobs);
        const ready = jobs.filter((candidate) => candidate.ready > 0);
        if (ready.length === 0) return index === -1;
        const chosen = jobs[index]!;
        return chosen.ready > 0 && ready.every((other) => chosen.rendering <= other.rendering);
      }),
    );
    const jobs = [0, 1].map(() => ({ ready: 100, rendering: 0, servedAt: 0 }));
    for (let tile = 1; tile <= 8; tile++) {
      const chosen = jobs[nextJob(jobs)]!;
      chosen.rendering++;
      chosen.servedAt = tile;
    }
    expect(jobs.map((job) => job.rendering)).toEqual([4, 4]);
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
          const isHungry = sum(held) < slots;
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
