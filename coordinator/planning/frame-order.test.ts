import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frameOrder } from './frame-order.js';

const ORDERS = ['sequential', 'reverse', 'first-middle-last', 'every-1', 'every-2', 'every-10', 'every-7000'];

describe('a frame order', () => {
  it('gives every frame once, whatever the order and the number of frames', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ORDERS), fc.integer({ min: 1, max: 700 }), (order, count) => {
        const places = [...frameOrder(order, count)];
        expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, place) => place));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['sequential', 5, [0, 1, 2, 3, 4]],
    ['reverse', 5, [4, 3, 2, 1, 0]],
    ['first-middle-last', 1, [0]],
    ['first-middle-last', 2, [0, 1]],
    ['first-middle-last', 3, [0, 1, 2]],
    ['first-middle-last', 9, [0, 4, 8, 2, 6, 1, 5, 3, 7]],
    ['every-4', 10, [0, 4, 8, 2, 6, 1, 5, 9, 3, 7]],
    ['every-100', 4, [0, 2, 1, 3]],
  ] as const)('%s of %i frames is as it says', (order, count, places) => {
    expect([...frameOrder(order, count)]).toEqual(places);
  });

  it('by halves leaves no gap wider than twice the narrowest, after every step', () => {
    for (const count of [17, 100, 1023, 1024, 1500]) {
      const seen: number[] = [];
      for (const place of frameOrder('first-middle-last', count)) {
        seen.push(place);
        if (seen.length < 3) continue;
        const sorted = [...seen].sort((a, b) => a - b);
        const gaps = sorted.slice(1).map((at, index) => at - sorted[index]!);
        // Halves of an odd number differ by one.
        expect(Math.max(...gaps)).toBeLessThanOrEqual(2 * Math.min(...gaps) + 2);
        if (seen.length > 200) break;
      }
    }
  });
});
