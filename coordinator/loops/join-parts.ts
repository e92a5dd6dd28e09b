/** Puts the parts of one result together, in whatever order and however often they arrive. */
import type { ResultMeta } from '#shared/bus/messages.js';
import type { LiveFrame, PartialResult } from '../jobs/live-frame.js';

export interface WholeResult {
  /**
   * Of its own memory, so that it can be handed to a thread without what happens to lie beside it. Nothing when a part
   * was not kept: whoever needs it reads the parts again, and checks them then.
   */
  readonly bytes: Uint8Array | undefined;
  /** Stream sequences of the parts, in part order. */
  readonly sequences: readonly number[];
}

export interface Joined {
  /** Once the last part is in. */
  readonly whole: WholeResult | undefined;
  /** Bytes that waiting parts hold more than before; negative when they hold less. */
  readonly waitingBytes: number;
}

const NOTHING: Joined = { whole: undefined, waitingBytes: 0 };

/** @param keep whether there is memory for a part that waits for others. */
export function joinParts(
  frame: LiveFrame,
  meta: ResultMeta,
  data: Uint8Array,
  sequence: number,
  keep: boolean,
): Joined {
  // Most results are one part: no table, one copy.
  if (meta.partCount === 1)
    return { whole: { bytes: new Uint8Array(data), sequences: [sequence] }, waitingBytes: 0 };
  if (meta.part >= meta.partCount) return NOTHING;
  const key = `${meta.tile}/${meta.attempt}/${meta.nodeId}`;
  let partial = frame.partials.get(key);
  let waitingBytes = 0;
  if (!partial || partial.parts.length !== meta.partCount) {
    if (partial) waitingBytes -= bytesOf(partial);
    partial = emptyPartial(meta.partCount);
    frame.partials.set(key, partial);
  }
  if (partial.parts[meta.part]) return { whole: undefined, waitingBytes };
  partial.parts[meta.part] = keep ? new Uint8Array(data) : 'not kept';
  partial.sequences[meta.part] = sequence;
  if (keep) waitingBytes += data.byteLength;
  partial.missing--;
  if (partial.missing > 0) return { whole: undefined, waitingBytes };
  frame.partials.delete(key);
  const isKept = partial.parts.every((part) => part instanceof Uint8Array);
  return {
    whole: {
      bytes: isKept ? concatenate(partial.parts as Uint8Array[]) : undefined,
      sequences: partial.sequences,
    },
    waitingBytes: waitingBytes - bytesOf(partial),
  };
}

function emptyPartial(partCount: number): PartialResult {
  return {
    parts: new Array<PartialResult['parts'][number]>(partCount).fill(undefined),
    sequences: new Array<number>(partCount).fill(0),
    missing: partCount,
  };
}

function bytesOf({ parts }: PartialResult): number {
  return parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.byteLength : 0), 0);
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
