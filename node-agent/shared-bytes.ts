/** What a prepared frame holds in memory that all slots share. */

/** Shapes are the renderers' own; deeper than this lies no buffer of any of them. */
const DEPTH_MAX = 8;

/** @returns bytes of the SharedArrayBuffers in `value`, each counted once. Lists of plain numbers or texts are not searched. */
export function sharedBytesOf(value: unknown): number {
  const seen = new Set<object>();
  return countIn(value, seen, DEPTH_MAX);
}

function countIn(value: unknown, seen: Set<object>, depth: number): number {
  if (typeof value !== 'object' || value === null || depth === 0 || seen.has(value)) return 0;
  seen.add(value);
  if (value instanceof SharedArrayBuffer) return value.byteLength;
  if (ArrayBuffer.isView(value)) return countIn(value.buffer, seen, depth);
  if (Array.isArray(value) && typeof value[0] !== 'object') return 0;
  let bytes = 0;
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) bytes += countIn(part, seen, depth - 1);
  return bytes;
}
