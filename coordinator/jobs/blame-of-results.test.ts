import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { testJob, testResult } from '#tests/support/live-jobs.js';
import { blameOfFailure, blameOfOdd } from './blame-of-results.js';

const [A, B, C] = ['a', 'b', 'c'] as NodeId[] as [NodeId, NodeId, NodeId];
const failed = (frame: number) => ({
  ...{ frame, tile: 0, attempt: 1, nodeId: A, atMs: 5, code: 'RENDER_FAILED', permanent: false },
});
const blame = (frame: number, isTileDone: boolean) => {
  const { permanent: _, ...failure } = failed(frame);
  return { ...failure, isTileDone };
};

describe('a failure', () => {
  it('says of its node what it says, whatever has become of the tile and its frame', () => {
    const job = testJob({ frames: [1, 2, 3], widthPx: 32 });
    for (let tile = 0; tile < 6; tile++) job.takeNextTile({ workers: () => [], isIsolatedOut: false });
    expect(blameOfFailure(job, failed(1))).toEqual(blame(1, false));
    job.place(job.openFrame(1)!, 0, testResult(B, 1));
    expect(blameOfFailure(job, failed(1)), 'its tile is done').toEqual(blame(1, true));
    job.place(job.openFrame(1)!, 1, testResult(B, 1));
    job.closeFrame(job.openFrame(1)!, 'finished');
    expect(blameOfFailure(job, failed(1)), 'its frame is finished').toEqual(blame(1, true));
    job.failAttempt(job.openFrame(2)!, 0, 1, true);
    job.closeFrame(job.openFrame(2)!, 'failed');
    expect(blameOfFailure(job, failed(2)), 'its frame has failed').toEqual(blame(2, false));
  });

  it('of a tile that works nowhere says nothing of its node', () => {
    expect(blameOfFailure(testJob(), { ...failed(1), permanent: true })).toBeUndefined();
  });
});

it('a node is blamed for pixels that two others of its version do not give', () => {
  const frame = testJob().openFrame(1)!;
  const accepted = testResult(B, 2);
  const odd = [testResult(A, 1, 'bb'.repeat(32)), { ...testResult(C, 3, 'cc'.repeat(32)), renderer: 'y' }];
  const verdict = { kind: 'agrees', accepted, odd } as const;
  expect(blameOfOdd({ ...verdict, isVerified: true }, frame, 0, 5)).toEqual([
    { frame: 1, tile: 0, attempt: 1, nodeId: A, atMs: 5, code: 'TILE_CHECKSUM_MISMATCH', isTileDone: true },
  ]);
  expect(blameOfOdd({ ...verdict, isVerified: false }, frame, 0, 5), 'by itself alone').toEqual([]);
});
