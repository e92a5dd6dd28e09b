import { describe, expect, it } from 'vitest';
import type { ResultMeta } from '#shared/bus/messages.js';
import { testLayout } from '#tests/support/live-jobs.js';
import { giveUpBytes, liveFrame } from '../jobs/live-frame.js';
import { joinParts } from './join-parts.js';

const emptyFrame = () => liveFrame(1, 0, testLayout(2), 0);
const meta = (part: number, partCount: number, changes: Partial<ResultMeta> = {}) =>
  ({ tile: 1, attempt: 1, nodeId: 'n', part, partCount, ...changes }) as ResultMeta;
const bytes = (...values: number[]) => Uint8Array.from(values);

describe('parts of a result', () => {
  it('make it up in whatever order and however often they come, and its memory is accounted for', () => {
    const frame = emptyFrame();
    expect(joinParts(frame, meta(1, 2), bytes(3, 4), 7, true)).toEqual({ whole: undefined, waitingBytes: 2 });
    expect(joinParts(frame, meta(1, 2), bytes(3, 4), 8, true)).toEqual({ whole: undefined, waitingBytes: 0 });
    expect(joinParts(frame, meta(0, 2), bytes(1), 9, true)).toEqual({
      whole: { bytes: bytes(1, 3, 4), sequences: [9, 7] },
      waitingBytes: -2,
    });
    expect(giveUpBytes(frame)).toBe(0);
  });

  it('that memory has no room for are named by where they are in the stream', () => {
    const frame = emptyFrame();
    joinParts(frame, meta(0, 2), bytes(1), 5, false);
    expect(joinParts(frame, meta(1, 2), bytes(2), 6, true)).toEqual({
      whole: { bytes: undefined, sequences: [5, 6] },
      waitingBytes: 0,
    });
  });

  it('of another cut take the place of what waited; what waits is given up with the frame', () => {
    const frame = emptyFrame();
    joinParts(frame, meta(0, 2), bytes(1, 2, 3), 5, true);
    expect(joinParts(frame, meta(0, 3), bytes(1), 6, true)).toMatchObject({ waitingBytes: -2 });
    expect(joinParts(frame, meta(3, 3), bytes(1), 7, true)).toMatchObject({ waitingBytes: 0 });
    joinParts(frame, meta(0, 2, { attempt: 2 }), bytes(1, 2), 8, true);
    expect(giveUpBytes(frame)).toBe(3);
    expect(frame.partials.size).toBe(0);
  });
});
