/** Accessors as floats and integers: normalised integers are decoded here, once, and nowhere else. */
import type { Accessor } from '@gltf-transform/core';
import { invariant } from '#shared/invariant.js';

/**
 * @param components  wanted per element; missing ones are filled with `fill` (alpha of a vec3 colour is 1).
 * @returns count × components floats; a float accessor of the right width is returned as it is, not copied.
 * Source: glTF 2.0, 3.6.2.2 "Accessor data types" (normalised integer decoding).
 */
export function readFloats(accessor: Accessor, components: number, fill = 0): Float32Array {
  const source = accessor.getArray();
  invariant(source, 'a checked accessor has data');
  const width = accessor.getElementSize();
  if (source instanceof Float32Array && width === components) return source;
  const count = accessor.getCount();
  const scale = accessor.getNormalized() ? 1 / normalizedMax(source) : 1;
  const isSigned = source instanceof Int8Array || source instanceof Int16Array;
  const out = new Float32Array(count * components);
  const used = Math.min(width, components);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < used; c++) {
      const value = source[i * width + c]! * scale;
      out[i * components + c] = isSigned && scale !== 1 && value < -1 ? -1 : value;
    }
    for (let c = used; c < components; c++) out[i * components + c] = fill;
  }
  return out;
}

/** @returns count × components unsigned integers. */
export function readIntegers(accessor: Accessor): Uint32Array {
  const source = accessor.getArray();
  invariant(source, 'a checked accessor has data');
  return source instanceof Uint32Array ? source : Uint32Array.from(source);
}

function normalizedMax(array: ArrayLike<number>): number {
  if (array instanceof Int8Array) return 127;
  if (array instanceof Uint8Array) return 255;
  if (array instanceof Int16Array) return 32767;
  if (array instanceof Uint16Array) return 65535;
  if (array instanceof Uint32Array) return 4294967295;
  return 1;
}
