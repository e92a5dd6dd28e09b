/**
 * Half floats (IEEE 754 binary16) as 16-bit integers: conversion to and from float32, for single values and in bulk.
 * Node 20 has no Float16Array. Rounding is to nearest, ties to even; a truncating table would be as fast but has twice
 * the error.
 */
import { invariant } from '../invariant.js';

/** Largest finite half, 65504. */
export const HALF_MAX_BITS = 0x7bff;
/** The one NaN that is written, so that equal pixels give equal bytes on every CPU (x86 and ARM differ in a NaN's sign). */
const HALF_NAN_BITS = 0x7e00;

/**
 * float32 bit pattern → half bit pattern. Finite values of 65520 and more become infinity, as IEEE 754 has it; NaN
 * becomes the canonical one.
 * @param bits  as an element of an Int32Array or Uint32Array over the float32.
 */
export function halfFromFloatBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude < 0x3880_0000) {
    // Below 2^-14: a subnormal, in units of 2^-24.
    if (magnitude < 0x3300_0000) return sign;
    const shift = 126 - (magnitude >>> 23);
    const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
    const kept = mantissa >>> shift;
    const rest = mantissa & ((1 << shift) - 1);
    const tie = 1 << (shift - 1);
    return sign | (kept + (rest > tie || (rest === tie && (kept & 1) === 1) ? 1 : 0));
  }
  if (magnitude >= 0x477f_f000) return magnitude > 0x7f80_0000 ? HALF_NAN_BITS : sign | 0x7c00;
  // Adding just under half a unit, plus the kept part's lowest bit, rounds ties to even; a carry moves the exponent.
  return sign | ((magnitude - 0x3800_0000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** The same, but finite values beyond the range of a half become ±65504: a bright pixel must not turn into infinity. */
export function clampedHalfFromFloatBits(bits: number): number {
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude >= 0x477f_f000 && magnitude < 0x7f80_0000) return ((bits >>> 16) & 0x8000) | HALF_MAX_BITS;
  return halfFromFloatBits(bits);
}

let floatTable: Float32Array | undefined;

/** float32 value of each of the 65,536 halves, indexed by bit pattern. Built at first use: 256 KiB, below 1 ms. */
export function halfToFloatTable(): Float32Array {
  if (floatTable) return floatTable;
  const table = new Float32Array(65_536);
  for (let bits = 0; bits < 65_536; bits++) {
    const exponent = (bits >>> 10) & 31;
    const mantissa = bits & 0x3ff;
    let value: number;
    if (exponent === 31) value = mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
    else if (exponent === 0) value = mantissa * 2 ** -24;
    else value = (1024 + mantissa) * 2 ** (exponent - 25);
    table[bits] = bits & 0x8000 ? -value : value;
  }
  floatTable = table;
  return table;
}

const scratch = new Float32Array(1);
const scratchBits = new Int32Array(scratch.buffer);

/** One value → half bit pattern; for constants and tests, the bulk functions are for pixels. */
export function halfFromFloat(value: number): number {
  scratch[0] = value;
  return halfFromFloatBits(scratchBits[0]!);
}

/** Half bit pattern → value. */
export function floatFromHalf(bits: number): number {
  return halfToFloatTable()[bits & 0xffff]!;
}

/** float32 → half, element by element, clamped to ±65504; infinities and NaN stay what they are. */
export function floatsToHalves(
  source: Float32Array,
  target: Uint16Array = new Uint16Array(source.length),
): Uint16Array {
  invariant(target.length >= source.length, `${source.length} floats do not fit ${target.length} halves`);
  const bits = new Int32Array(source.buffer, source.byteOffset, source.length);
  for (let index = 0; index < bits.length; index++) target[index] = clampedHalfFromFloatBits(bits[index]!);
  return target;
}

/** Half → float32, element by element; exact. */
export function halvesToFloats(
  source: Uint16Array,
  target: Float32Array = new Float32Array(source.length),
): Float32Array {
  invariant(target.length >= source.length, `${source.length} halves do not fit ${target.length} floats`);
  const table = halfToFloatTable();
  for (let index = 0; index < source.length; index++) target[index] = table[source[index]!]!;
  return target;
}

/** Index of the first infinity or NaN, or -1: halves as bit patterns in a Uint16Array, or float32. */
export function findNonFinite(samples: Uint16Array | Float32Array): number {
  if (samples instanceof Float32Array) {
    const bits = new Int32Array(samples.buffer, samples.byteOffset, samples.length);
    for (let index = 0; index < bits.length; index++) {
      if ((bits[index]! & 0x7f80_0000) === 0x7f80_0000) return index;
    }
    return -1;
  }
  for (let index = 0; index < samples.length; index++) {
    if ((samples[index]! & 0x7c00) === 0x7c00) return index;
  }
  return -1;
}
