import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prioritySchema } from '#shared/domain/schedule.js';
import { AGEING_MS, type Ageing, ageOn, effectivePriority, NOT_AGED, nextAgeingAtMs } from './ageing.js';

const MINUTE = AGEING_MS;
const waited = (ms: number): Ageing => ageOn(ageOn(NOT_AGED, true, 0, 0), true, 0, ms);

describe('a job without a slot', () => {
  it('gains one step of priority a minute, up to the top', () => {
    expect(effectivePriority(50, waited(MINUTE - 1))).toBe(50);
    expect(effectivePriority(50, waited(MINUTE))).toBe(51);
    expect(effectivePriority(50, waited(10.5 * MINUTE))).toBe(60);
    expect(effectivePriority(50, waited(1_000 * MINUTE))).toBe(100);
    expect(prioritySchema.safeParse(effectivePriority(100, waited(MINUTE))).success).toBe(true);
  });

  it('gains nothing while it could not use one', () => {
    expect(ageOn(waited(5 * MINUTE), false, 0, 6 * MINUTE)).toEqual(NOT_AGED);
    expect(ageOn(NOT_AGED, false, 0, MINUTE)).toBe(NOT_AGED);
  });

  it('keeps what it has gained until it has had a slot for a minute, and goes on from there if it loses it sooner', () => {
    const served = ageOn(waited(10 * MINUTE), true, 2, 10 * MINUTE);
    expect(effectivePriority(50, served)).toBe(60);
    expect(nextAgeingAtMs(50, served)).toBe(11 * MINUTE);
    expect(ageOn(served, true, 1, 11 * MINUTE - 1)).toBe(served);
    expect(ageOn(served, true, 1, 11 * MINUTE)).toBe(NOT_AGED);
    const lost = ageOn(served, true, 0, 10.5 * MINUTE);
    expect(effectivePriority(50, lost)).toBe(60);
    expect(effectivePriority(50, ageOn(lost, true, 0, 11.5 * MINUTE))).toBe(61);
  });

  it('changes just when it says that it will', () => {
    const anyWait = fc.record({
      priority: fc.integer({ min: 0, max: 100 }),
      waitedMs: fc.integer({ min: 0, max: 200 * MINUTE }),
    });
    fc.assert(
      fc.property(anyWait, ({ priority, waitedMs }) => {
        const now = waited(waitedMs);
        const nextMs = nextAgeingAtMs(priority, now);
        const before = effectivePriority(priority, now);
        if (nextMs === undefined) {
          expect(before).toBe(100);
          return;
        }
        expect(nextMs).toBeGreaterThan(waitedMs);
        expect(ageOn(now, true, 0, nextMs - 1)).toBe(now);
        expect(effectivePriority(priority, ageOn(now, true, 0, nextMs))).toBe(before + 1);
      }),
    );
  });

  it('comes first in the end, whatever comes after it', () => {
    let ageing: Ageing = NOT_AGED;
    let minutes = 0;
    while (effectivePriority(0, ageing) < 100) {
      ageing = ageOn(ageing, true, 0, minutes * MINUTE);
      minutes += 1;
    }
    expect(minutes).toBe(101);
  });
});
