/**
 * A one-dimensional curve as a table over float32 bit patterns: as fine near black as near white, because each
 * power of two has the same number of entries. (A table with even steps moves by 13 codes per entry near black in
 * 16-bit sRGB.) Linear interpolation between entries keeps the error far below one 16-bit code.
 */

/** Bits of the mantissa that choose the entry; the other 13 interpolate. */
const STEP_BITS = 10;
const REST_BITS = 23 - STEP_BITS;
const REST_MASK = (1 << REST_BITS) - 1;

export interface CurveTable {
  /** Applies the curve in place to the first `count` values: negative ones count as 0, and NaN gives the value at 0. */
  apply(values: Float32Array, count: number): void;
}

/**
 * @param curve  defined from 0 to 2^exponentMax; beyond it, the value at 2^exponentMax holds.
 * @param exponentMin  below 2^exponentMin the curve is taken as a straight line from its value at 0.
 */
export function curveTable(
  curve: (x: number) => number,
  exponentMin: number,
  exponentMax: number,
): CurveTable {
  const entryCount = ((exponentMax - exponentMin) << STEP_BITS) + 2;
  const entries = new Float32Array(entryCount);
  for (let entry = 0; entry < entryCount; entry++) {
    const octave = exponentMin + (entry >> STEP_BITS);
    const x = 2 ** octave * (1 + (entry & ((1 << STEP_BITS) - 1)) / (1 << STEP_BITS));
    entries[entry] = curve(Math.min(x, 2 ** exponentMax));
  }
  const [atZero, atMin, atMax] = [curve(0), entries[0]!, entries[entryCount - 2]!];
  const [xMin, xMax] = [2 ** exponentMin, 2 ** exponentMax];
  const slope = (atMin - atZero) / xMin;
  const firstStep = (exponentMin + 127) << STEP_BITS;
  return {
    apply(values, count) {
      const bits = new Int32Array(values.buffer, values.byteOffset, count);
      for (let index = 0; index < count; index++) {
        const x = values[index]!;
        if (x >= xMax) values[index] = atMax;
        else if (x >= xMin) {
          const pattern = bits[index]!;
          const entry = (pattern >>> REST_BITS) - firstStep;
          const low = entries[entry]!;
          values[index] = low + (entries[entry + 1]! - low) * ((pattern & REST_MASK) / (REST_MASK + 1));
        } else values[index] = x > 0 ? atZero + slope * x : atZero;
      }
    },
  };
}
