import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findNonFinite,
  floatFromHalf,
  floatsToHalves,
  halfFromFloat,
  halfFromFloatBits,
  halfToFloatTable,
  halvesToFloats,
} from './half.js';

describe('half', () => {
  it('each of the 65,536 halves survives the way through float32', () => {
    const all = Uint16Array.from({ length: 65_536 }, (_, bits) => bits);
    const floats = halvesToFloats(all);
    const bits = new Int32Array(floats.buffer);
    let wrong = 0;
    for (let half = 0; half < 65_536; half++) {
      const back = halfFromFloatBits(bits[half]!);
      if (back !== half && !(Number.isNaN(floats[half]) && back === 0x7e00)) wrong++;
    }
    expect(wrong).toBe(0);
  });

  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65_504, 0x7bff],
    [65_519, 0x7bff],
    [65_520, 0x7c00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [2 ** -25 * 1.0001, 0x0001],
    [2 ** -24 * 1.5, 0x0002],
    [2 ** -14 - 2 ** -26, 0x0400],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [Number.POSITIVE_INFINITY, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [Number.NaN, 0x7e00],
  ])('%d has the bits of IEEE 754', (value, bits) => {
    expect(halfFromFloat(value)).toBe(bits);
  });

  it('a float becomes the nearest half, and the even one of two', () => {
    const table = halfToFloatTable();
    fc.assert(
      fc.property(fc.float({ min: -65_500, max: 65_500, noNaN: true }), (value) => {
        const half = halfFromFloat(value);
        const error = Math.abs(table[half]! - value);
        for (const neighbour of [half - 1, half + 1]) {
          const other = table[neighbour & 0xffff]!;
          if (!Number.isFinite(other)) continue;
          expect(Math.abs(other - value)).toBeGreaterThanOrEqual(error);
          if (Math.abs(other - value) === error && other !== table[half]) expect(half & 1).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('clamps finite values in bulk and leaves infinity and NaN to be found', () => {
    const halves = floatsToHalves(Float32Array.of(1e9, -1e9, 65_520, Number.POSITIVE_INFINITY, Number.NaN));
    expect([...halves].map(floatFromHalf)).toEqual([
      65_504,
      -65_504,
      65_504,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
    expect(findNonFinite(halves)).toBe(3);
    expect(findNonFinite(halves.subarray(0, 3))).toBe(-1);
    expect(findNonFinite(Float32Array.of(1, 3e38, Number.NaN))).toBe(2);
    expect(findNonFinite(Float32Array.of(1, 3e38))).toBe(-1);
  });
});
