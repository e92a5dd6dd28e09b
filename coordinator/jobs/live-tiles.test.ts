/** What a live job does with tiles that are verified, copied, avoided or isolated. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { RIGHT_DIGEST, testJob, testResult } from '#tests/support/live-jobs.js';
import type { LiveJob } from './live-job.js';
import { queuedTiles } from './queued-tiles.js';
import { liveAttempts } from './tile-case.js';

const [A, B, C] = ['a', 'b', 'c'] as NodeId[] as [NodeId, NodeId, NodeId];
const ALL = [A, B, C];

const newJob = ({ frames = [1], maxAttempts = 3, verify = 0 } = {}) =>
  testJob({ frames, maxAttempts, verify, widthPx: 32 });

const RIGHT = RIGHT_DIGEST;
const WRONG = 'bb'.repeat(32);
const result = testResult;

const take = (job: LiveJob, workers: readonly NodeId[] = ALL) => job.takeNextTile({ workers: () => workers });
const failed = (nodeId: NodeId, attempt: number) => ({
  ...{ nodeId, attempt, atMs: 0, code: 'X', message: '', logTail: '' },
});

describe('a tile that failed', () => {
  it('is left to others by the nodes that failed it, as long as there are others', () => {
    const job = newJob();
    const frame = take(job)!.frame;
    frame.failedAttempts.add(0, failed(A, 1));
    job.failAttempt(frame, 0, 1, false);
    expect(take(job)).toMatchObject({ tile: 0, attempt: 2, avoid: [A] });
    frame.failedAttempts.add(0, failed(B, 2));
    job.failAttempt(frame, 0, 2, false);
    expect(take(job, [A, B])).toMatchObject({ tile: 0, attempt: 3, avoid: [] });
  });
});

describe('a tile that needs a second opinion', () => {
  it('waits for another node with its first result, and counts with the second', () => {
    const job = newJob({ verify: 1 });
    const frame = take(job)!.frame;
    expect(job.needsSecondOpinion(1, 0)).toBe(true);
    expect(job.weigh(frame, 0, result(A, 1))).toMatchObject({ verdict: { kind: 'waits' }, isLast: false });
    expect(job.progress()).toMatchObject({ tilesDone: 0, tilesQueued: 0 });
    expect(take(job)).toMatchObject({ tile: 0, attempt: 2, avoid: [A] });
    expect(job.weigh(frame, 0, result(B, 2)).verdict).toMatchObject({ kind: 'agrees', isVerified: true });
    expect(job.progress()).toMatchObject({
      tilesDone: 1,
      tilesQueued: 0,
      tilesVerified: 1,
      attemptsFailed: 0,
    });
    expect(frame.results[0]).toMatchObject({ nodeId: A });
  });

  it('is decided by a third node, and fails when all differ', () => {
    const job = newJob({ verify: 1 });
    const frame = take(job)!.frame;
    job.weigh(frame, 0, result(A, 1, WRONG));
    take(job);
    expect(job.weigh(frame, 0, result(B, 2)).verdict.kind).toBe('differs');
    expect(take(job)).toMatchObject({ tile: 0, attempt: 3, avoid: [A, B] });
    const { verdict } = job.weigh(frame, 0, result(C, 3));
    expect(verdict).toMatchObject({ kind: 'agrees', odd: [{ nodeId: A }] });
    expect(job.progress()).toMatchObject({ tilesDone: 1, tilesVerified: 1, attemptsFailed: 1 });
    for (const [index, node] of ALL.entries())
      job.weigh(frame, 1, result(node, index + 1, `${index}`.repeat(64)));
    expect(frame.state).toBe('failed');
    expect(job.progress()).toMatchObject({ tilesFailed: 1 });
  });

  it('is accepted on its own, and decides the same when a restart reads its results again', () => {
    const before = newJob({ verify: 1 });
    const frame = take(before)!.frame;
    before.weigh(frame, 0, result(A, 1));
    expect(before.acceptCandidate(frame, 0)).toBe(false);
    expect(before.progress()).toMatchObject({ tilesDone: 1, tilesVerified: 0 });
    const again = newJob({ verify: 1 });
    const open = again.openFrame(1)!;
    again.weigh(open, 0, result(A, 1));
    expect(again.weigh(open, 0, result(A, 1)).verdict.kind).toBe('repeated');
    expect(again.acceptCandidate(open, 0)).toBe(false);
    expect(again.progress()).toMatchObject({ tilesDone: 1, tilesVerified: 0, tilesQueued: 0 });
  });

  it('is given by the node that gave the first when all others have failed the tile', () => {
    const job = newJob({ verify: 1 });
    const frame = take(job)!.frame;
    job.weigh(frame, 0, result(A, 1));
    take(job);
    frame.failedAttempts.add(0, failed(B, 2));
    job.failAttempt(frame, 0, 2, false);
    expect(take(job, [A, B])).toMatchObject({ attempt: 3, avoid: [] });
    expect(job.weigh(frame, 0, result(A, 3), () => ALL).verdict).toEqual({ kind: 'own' });
    expect(job.weigh(frame, 0, result(A, 4), () => [A, B]).verdict).toMatchObject({ isVerified: false });
  });

  it('is not given by the node that gave the first, unless nobody else is there', () => {
    const job = newJob({ verify: 1 });
    const frame = take(job)!.frame;
    job.weigh(frame, 0, result(A, 1));
    expect(take(job)).toMatchObject({ attempt: 2, avoid: [A] });
    // After a restart nobody knows who is there.
    expect(job.weigh(frame, 0, result(A, 2)).verdict).toEqual({ kind: 'own' });
    expect(job.progress()).toMatchObject({ tilesDone: 0, tilesQueued: 0, attemptsFailed: 0 });
    expect(take(job)).toMatchObject({ tile: 0, attempt: 3, avoid: [A] });
    expect(job.weigh(frame, 0, result(A, 2), () => ALL).verdict, 'delivered twice').toEqual({ kind: 'own' });
    expect(liveAttempts(frame, 0), 'the other one goes on').toMatchObject([{ attempt: 3, avoid: [A] }]);
    expect(job.weigh(frame, 0, result(A, 3), () => [A]).verdict).toMatchObject({
      ...{ kind: 'agrees', isVerified: false },
    });
    expect(job.progress()).toMatchObject({ tilesDone: 1, tilesVerified: 0, tilesQueued: 0 });
  });
});

describe('a second copy', () => {
  function copied(job = newJob()) {
    const frame = take(job)!.frame;
    take(job);
    job.copy(frame, 0, A);
    expect(take(job)).toMatchObject({ tile: 0, attempt: 2, avoid: [A] });
    expect(job.progress()).toMatchObject({ tilesQueued: 2, tilesSpeculated: 1 });
    return { job, frame, live: () => liveAttempts(frame, 0).map(({ attempt }) => attempt) };
  }

  it('is an attempt beside the first; whichever ends first counts', () => {
    const { job, frame, live } = copied();
    expect(live()).toEqual([1, 2]);
    expect(queuedTiles(job).map(({ tile, attempt }) => [tile, attempt])).toEqual([
      [0, 1],
      [0, 2],
      [1, 1],
    ]);
    job.place(frame, 0, result(A, 1));
    expect(live()).toEqual([]);
    expect(job.progress()).toMatchObject({ tilesQueued: 1, tilesDone: 1 });
    expect(job.isOver(1, 0), 'the other one is to be dropped').toBe(true);
    expect(job.failAttempt(frame, 0, 2, false)).toBe('ignored');
  });

  it('that fails leaves the tile to its first attempt, and the other way round', () => {
    for (const [first, second] of [
      [2, 1],
      [1, 2],
    ] as const) {
      const { job, frame, live } = copied();
      expect(job.failAttempt(frame, 0, first, false)).toBe('retry');
      expect(live()).toEqual([second]);
      expect(take(job), 'nothing more is queued').toBeUndefined();
      expect(job.failAttempt(frame, 0, second, false)).toBe('retry');
      expect(job.failureCount(frame, 0)).toBe(2);
      expect(take(job)).toMatchObject({ tile: 0, attempt: 3 });
    }
  });

  it('that was withdrawn does not hold the tile up when the result that counted turns out to be unusable', () => {
    const { job, frame, live } = copied();
    job.place(frame, 0, result(A, 1));
    job.displace(frame, 0);
    expect(live()).toEqual([1]);
    expect(job.failAttempt(frame, 0, 1, false)).toBe('retry');
    expect(take(job)).toMatchObject({ tile: 0, attempt: 3 });
    expect(job.progress()).toMatchObject({ tilesQueued: 2, tilesDone: 0 });
  });

  it('is over when it has ended itself, though its tile is not', () => {
    const { job, frame } = copied();
    expect([1, 2].map((attempt) => job.isOver(1, 0, attempt))).toEqual([false, false]);
    job.failAttempt(frame, 0, 2, false);
    expect([1, 2].map((attempt) => job.isOver(1, 0, attempt))).toEqual([false, true]);
    job.failAttempt(frame, 0, 1, false);
    expect(job.isOver(1, 0, 1)).toBe(true);
    expect(job.isOver(1, 0)).toBe(false);
  });

  it('that goes missing leaves the tile to its first attempt', () => {
    const { job, frame, live } = copied();
    job.requeue(frame, 0, 2);
    expect(live()).toEqual([1]);
    job.requeue(frame, 0, 1);
    expect(take(job)).toMatchObject({ tile: 0, attempt: 3 });
  });
});

describe('isolated tiles', () => {
  it('are given out one at a time, those with the fewest losses first', () => {
    const job = newJob({ frames: [1, 2] });
    while (take(job));
    const frame = job.openFrame(1)!;
    for (let losses = 0; losses < 4; losses++) job.countLoss(frame, 0);
    for (let losses = 0; losses < 3; losses++) job.countLoss(frame, 1);
    for (const tile of [0, 1]) job.isolate(frame, tile);
    expect(job.takeNextTile({ isIsolatedOut: true }), 'one of another job is out').toBeUndefined();
    expect(take(job)).toMatchObject({ tile: 1, attempt: 2 });
    expect(job.isIsolatedOut).toBe(true);
    expect(take(job)).toBeUndefined();
    job.place(frame, 1, result(A, 2));
    expect(take(job)).toMatchObject({ tile: 0, attempt: 2 });
    job.failAttempt(frame, 0, 2, false);
    expect(take(job), 'it stays isolated').toMatchObject({ tile: 0, attempt: 3 });
    expect(job.progress()).toMatchObject({ tilesQueued: 3, tilesDone: 1 });
  });
});

it('every job ends, with no tile left queued, whatever comes in whatever order', () => {
  const happening = fc.record({
    pick: fc.nat(1000),
    node: fc.constantFrom(...ALL),
    kind: fc.constantFrom('done', 'done', 'wrong', 'failed', 'lost', 'copied', 'isolated', 'stale'),
  });
  fc.assert(
    fc.property(
      fc.array(happening, { minLength: 40, maxLength: 120 }),
      fc.constantFrom(0, 0.5, 1),
      (happenings, verify) => {
        const job = newJob({ frames: [1, 2, 3], verify });
        const close = (number: number) => {
          const frame = job.openFrame(number);
          if (frame?.state === 'failed') job.closeFrame(frame, 'failed');
          if (frame?.state === 'stitching') job.closeFrame(frame, 'finished');
        };
        for (let step = 0; step < 500; step++) {
          while (take(job));
          const queued = queuedTiles(job);
          const tiles = new Set(queued.map(({ frame, tile }) => `${frame}/${tile}`));
          expect(job.progress().tilesQueued).toBe(tiles.size);
          if (queued.length === 0) break;
          const { pick, node, kind } = happenings[step] ?? { pick: 0, node: ALL[step % 3]!, kind: 'done' };
          const { open, tile, attempt } = queued[pick % queued.length]!;
          if (kind === 'failed') job.failAttempt(open, tile, attempt, false);
          else if (kind === 'stale') job.failAttempt(open, tile, Math.max(1, attempt - 1), false);
          else if (kind === 'lost') job.requeue(open, tile, attempt);
          else if (kind === 'copied') {
            if (liveAttempts(open, tile).length === 1) job.copy(open, tile, node);
          } else if (kind === 'isolated') job.isolate(open, tile);
          else {
            const digest = kind === 'wrong' ? `${step % 10}`.repeat(64) : RIGHT;
            if (job.needsSecondOpinion(open.frame, tile))
              job.weigh(open, tile, result(node, attempt, digest));
            else job.place(open, tile, result(node, attempt, digest));
          }
          close(open.frame);
        }
        expect(job.areAllFramesEnded()).toBe(true);
        expect(job.progress().tilesQueued).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
