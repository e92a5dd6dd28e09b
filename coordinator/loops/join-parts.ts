/** Puts the parts of one result together, in whatever order and however often they arrive. */
import type { ResultMeta } from '#shared/bus/messages.js';
import type { LiveFrame, PartialResult } from '../jobs/live-frame.js';

export interface WholeResult {
  /** Of its own memory, so that it can be handed to a thread without what happens to lie beside it. */
  readonly bytes: Uint8Array;
  /** Stream sequences of the parts, in part order. */
  readonly sequences: readonly number[];
}

/** @returns the whole result once its last part is in. */
export function joinParts(
  frame: LiveFrame,
  meta: ResultMeta,
  data: Uint8Array,
  sequence: number,
): WholeResult | undefined {
  // Most results are one part: no table, one copy.
  if (meta.partCount === 1) return { bytes: new Uint8Array(data), sequences: [sequence] };
  if (meta.part >= meta.partCount) return undefined;
  const key = `${meta.tile}/${meta.attempt}/${meta.nodeId}`;
  let partial = frame.partials.get(key);
  if (!partial || partial.parts.length !== meta.partCount) {
    partial = emptyPartial(meta.partCount);
    frame.partials.set(key, partial);
  }
  if (partial.parts[meta.part]) return undefined;
  partial.parts[meta.part] = new Uint8Array(data);
  partial.sequences[meta.part] = sequence;
  partial.missing--;
  if (partial.missing > 0) return undefined;
  frame.partials.delete(key);
  return { bytes: concatenate(partial.parts as Uint8Array[]), sequences: partial.sequences };
}

function emptyPartial(partCount: number): PartialResult {
  return {
    parts: new Array<Uint8Array | undefined>(partCount).fill(undefined),
    sequences: new Array<number>(partCount).fill(0),
    missing: partCount,
  };
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.byteLength;
  }
  return bytes;
}
