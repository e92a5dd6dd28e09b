import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { testJob, testResult } from '#tests/support/live-jobs.js';
import { LiveJob } from './live-job.js';

const newJob = (frames: readonly number[], maxAttempts = 3) =>
  testJob({ frames, maxAttempts, widthPx: 32, heightPx: 32 });
const result = (attempt: number) => testResult('n' as NodeId, attempt);

describe('a live job', () => {
  it('gives its tiles in frame order, each once, and skips those that came back before they were queued', () => {
    const job = newJob([5, 7]);
    job.place(job.openFrame(5)!, 1, result(1));
    const order: string[] = [];
    for (let next = job.takeNextTile(); next; next = job.takeNextTile())
      order.push(`${next.frame.frame}/${next.tile}/${next.attempt}`);
    expect(order).toEqual(['5/0/1', '5/2/1', '5/3/1', '7/0/1', '7/1/1', '7/2/1', '7/3/1']);
    expect(job.progress()).toMatchObject({ tilesDone: 1, tilesQueued: 7, tilesTotal: 8 });
  });

  it('counts each failed attempt once, and gives the tile up at the limit', () => {
    const job = newJob([1], 2);
    const frame = job.takeNextTile()!.frame;
    expect(job.failAttempt(frame, 0, 1, false)).toBe('retry');
    expect(job.failAttempt(frame, 0, 1, false)).toBe('ignored');
    expect(job.takeNextTile()).toMatchObject({ tile: 0, attempt: 2 });
    expect(job.failAttempt(frame, 0, 2, false)).toBe('tile_failed');
    job.closeFrame(frame, 'failed');
    expect(job.openFrame(1)).toBeUndefined();
    expect(job.areAllFramesEnded()).toBe(true);
    expect(job.progress()).toMatchObject({ framesFailed: 1, tilesFailed: 1, tilesQueued: 0 });
  });

  it('renders failed frames again when asked, under new attempts, and drops what their earlier attempts say', () => {
    const job = newJob([1, 2], 2);
    while (job.takeNextTile());
    for (const attempt of [1, 2]) job.failAttempt(job.openFrame(1)!, 3, attempt, false);
    job.closeFrame(job.openFrame(1)!, 'failed');
    expect(job.failedFrames()).toEqual([1]);
    const before = { frame: 1, state: 'failed', tilesDone: 0, tilesFailed: 1, coreSeconds: 0 } as const;
    job.retry([before], { count: 1, frames: [{ frame: 1, retry: 1, attemptsBefore: 2 }] });
    expect(job.progress()).toMatchObject({ framesFailed: 0, tilesFailed: 0, tilesQueued: 4 });
    expect(job.failAttempt(job.openFrame(1)!, 3, 2, false)).toBe('ignored');
    const again: string[] = [];
    for (let next = job.takeNextTile(); next; next = job.takeNextTile())
      again.push(`${next.frame.frame}/${next.tile}/${next.attempt}`);
    expect(again).toEqual(['1/0/3', '1/1/3', '1/2/3', '1/3/3']);
    const frame = job.openFrame(1)!;
    expect(job.failAttempt(frame, 3, 3, false)).toBe('retry');
    // The pixels of an earlier try are as good as those of a later one.
    for (const tile of [0, 1, 2, 3]) job.place(frame, tile, result(2));
    job.closeFrame(frame, 'finished');
    expect(job.progress()).toMatchObject({ framesFinished: 1, tilesDone: 4, tilesQueued: 4 });
  });

  it('goes on counting failed attempts, copies and second opinions where its recorded frames left off', () => {
    const counts = { attemptsFailed: 3, tilesSpeculated: 2, tilesVerified: 1 };
    const ended = { tilesDone: 0, tilesFailed: 1, coreSeconds: 0, counts };
    const older = { frame: 2, state: 'finished', tilesDone: 4, tilesFailed: 0, coreSeconds: 1 } as const;
    const job = new LiveJob(newJob([1, 2, 3], 4).record, [{ ...ended, frame: 1, state: 'failed' }, older]);
    expect(job.progress()).toMatchObject(counts);
    const { frame, tile } = job.takeNextTile()!;
    job.failAttempt(frame, tile, 1, false);
    expect(job.progress()).toMatchObject({ ...counts, attemptsFailed: 4 });
    expect(frame.counts, "of the frame's record").toEqual({
      ...{ attemptsFailed: 1, tilesSpeculated: 0, tilesVerified: 0 },
    });
    job.retry([{ ...ended, frame: 1, state: 'failed' }], {
      ...{ count: 1, frames: [{ frame: 1, retry: 1, attemptsBefore: 2 }] },
    });
    expect(job.progress()).toMatchObject({ attemptsFailed: 1, tilesSpeculated: 0, tilesVerified: 0 });
  });

  it('ends every frame, with no tile left queued, whatever order results, failures and losses come in', () => {
    const happening = fc.record({
      pick: fc.nat(1000),
      kind: fc.constantFrom('done', 'failed', 'lost', 'unusable'),
    });
    fc.assert(
      fc.property(fc.array(happening, { minLength: 60, maxLength: 120 }), (happenings) => {
        const job = newJob([1, 2, 3], 2);
        const queued: { frame: number; tile: number; attempt: number }[] = [];
        const takeAll = () => {
          for (let next = job.takeNextTile(); next; next = job.takeNextTile())
            queued.push({ frame: next.frame.frame, tile: next.tile, attempt: next.attempt });
        };
        takeAll();
        for (let step = 0; queued.length > 0; step++) {
          const { pick, kind } = happenings[step] ?? { pick: 0, kind: 'done' };
          const [one] = queued.splice(pick % queued.length, 1);
          const frame = job.openFrame(one!.frame);
          if (frame && frame.state === 'rendering') {
            if (kind === 'failed' && job.failAttempt(frame, one!.tile, one!.attempt, false) === 'tile_failed')
              job.closeFrame(frame, 'failed');
            else if (kind === 'lost') job.requeue(frame, one!.tile);
            else if (kind === 'done' || kind === 'unusable') {
              const isLast = job.place(frame, one!.tile, result(one!.attempt));
              if (kind === 'unusable') {
                job.displace(frame, one!.tile);
                if (job.failAttempt(frame, one!.tile, one!.attempt, false) === 'tile_failed')
                  job.closeFrame(frame, 'failed');
              } else if (isLast) job.closeFrame(frame, 'finished');
            }
          }
          takeAll();
        }
        const progress = job.progress();
        expect(job.areAllFramesEnded()).toBe(true);
        expect(progress.tilesQueued).toBe(0);
        expect(progress.framesFinished + progress.framesFailed).toBe(3);
      }),
      { numRuns: 300 },
    );
  });
});
