import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { testJob, testResult } from '#tests/support/live-jobs.js';
import { jobDemand } from './job-demand.js';

const [A, B] = ['a', 'b'] as readonly string[] as [NodeId, NodeId];
const NONE: ReadonlySet<number> = new Set();

describe('what a job could use', () => {
  it('is a slot for each tile that is not done, whether or not it is out', () => {
    const job = testJob({ widthPx: 64 });
    expect(jobDemand(job, NONE)).toEqual({ slots: 4, nodesMin: 1 });
    const { frame, tile } = job.takeNextTile()!;
    job.takeNextTile();
    expect(jobDemand(job, NONE).slots).toBe(4);
    job.place(frame, tile, testResult(A, 1));
    expect(jobDemand(job, NONE).slots).toBe(3);
  });

  it('is nothing when all is done, and as much again for a tile that cannot be used', () => {
    const job = testJob({ widthPx: 16 });
    const { frame, tile } = job.takeNextTile()!;
    job.place(frame, tile, testResult(A, 1));
    expect(jobDemand(job, NONE)).toEqual({ slots: 0, nodesMin: 0 });
    job.displace(frame, tile);
    expect(jobDemand(job, NONE).slots).toBe(1);
  });

  it('is one node more than those that leave a tile to others', () => {
    const job = testJob({ widthPx: 16 });
    const { frame, tile } = job.takeNextTile()!;
    frame.failedAttempts.add(tile, { attempt: 1, nodeId: A, atMs: 0, code: 'X', message: '', logTail: '' });
    job.failAttempt(frame, tile, 1, false);
    job.takeNextTile({ workers: () => [A, B] });
    expect(jobDemand(job, NONE)).toEqual({ slots: 2, nodesMin: 2 });
  });

  it('is another node for a second copy', () => {
    const job = testJob({ widthPx: 32 });
    const { frame, tile } = job.takeNextTile()!;
    job.copy(frame, tile, A);
    job.takeNextTile({ workers: () => [A, B] });
    expect(jobDemand(job, NONE)).toEqual({ slots: 3, nodesMin: 2 });
  });

  it('leaves out frames that wait for others', () => {
    const job = testJob({ widthPx: 32 });
    const { frames } = job.record;
    expect(jobDemand(job, new Set(frames)).slots).toBe(0);
    job.openFrame(frames[0]!);
    expect(jobDemand(job, new Set(frames)).slots, 'one that was looked at, too').toBe(0);
  });
});
