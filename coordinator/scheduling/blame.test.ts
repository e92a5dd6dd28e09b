import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdSchema, nodeIdSchema } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import { BlameBook, type NodeFailure } from './blame.js';

const HOUR_MS = 3_600_000;
const jobId = (name: string) => jobIdSchema.parse(name);
const nodeId = (name: string) => nodeIdSchema.parse(name);

const failure = (node: string, tile: number, changes: Partial<NodeFailure> = {}): NodeFailure => ({
  jobId: jobId('shot'),
  studio: 'studio',
  frame: 1,
  tile,
  attempt: 1,
  nodeId: nodeId(node),
  atMs: 1_000,
  code: 'RENDER_FAILED',
  isTileDone: false,
  ...changes,
});
const bookOf = (...failures: NodeFailure[]): BlameBook => {
  const book = new BlameBook();
  for (const one of failures) book.attemptFailed(one);
  return book;
};
/** Tiles that each node is blamed for in the job, and how many tiles are to blame themselves. */
const blameIn = (book: BlameBook, nowMs = 2_000, job = 'shot') => {
  const found = book.blames(nowMs, HOUR_MS).find((blame) => blame.jobId === job);
  const nodes = [...(found?.nodes ?? [])].map(([node, { failedAtMs }]) => [node, failedAtMs.length]);
  return { ...Object.fromEntries(nodes), badTiles: found?.badTiles ?? 0 };
};

const anyFailure = fc
  .record({
    job: fc.integer({ min: 0, max: 2 }),
    node: fc.integer({ min: 0, max: 3 }),
    frame: fc.integer({ min: 1, max: 2 }),
    tile: fc.integer({ min: 0, max: 3 }),
    attempt: fc.integer({ min: 1, max: 4 }),
    atMs: fc.integer({ min: 0, max: HOUR_MS }),
    code: fc.constantFrom('RENDER_FAILED', 'NODE_LOST', 'TILE_STALLED'),
    isTileDone: fc.boolean(),
  })
  .map(({ job, node, tile, ...rest }) =>
    failure(`n${node}`, tile, { ...rest, jobId: jobId(`job-${job}`), studio: `studio-${job % 2}` }),
  );

describe('the book of failures', () => {
  it('blames a node for each tile that it alone failed, once', () => {
    const book = bookOf(failure('a', 1), failure('a', 2), failure('a', 2, { attempt: 2 }), failure('b', 3));
    expect(blameIn(book)).toEqual({ a: 2, b: 1, badTiles: 0 });
  });

  it('blames the tile once two nodes have failed it, and the nodes again when a third one renders it', () => {
    const book = bookOf(failure('a', 1), failure('b', 1, { attempt: 2 }));
    expect(blameIn(book)).toEqual({ badTiles: 1 });
    expect(book.tileDone(jobId('shot'), 1, 1)).toBe(true);
    expect(blameIn(book)).toEqual({ a: 1, b: 1, badTiles: 0 });
    expect(book.tileDone(jobId('shot'), 1, 1)).toBe(false);
  });

  it('blames a node for a late failure of a tile that another has done', () => {
    const book = bookOf(
      failure('a', 1, { isTileDone: true }),
      failure('b', 1, { attempt: 2, isTileDone: true }),
    );
    expect(blameIn(book)).toEqual({ a: 1, b: 1, badTiles: 0 });
  });

  it('takes it back when the accepted result of a tile turns out to be none', () => {
    const book = bookOf(failure('a', 1));
    book.tileDone(jobId('shot'), 1, 1);
    book.attemptFailed(failure('b', 1, { attempt: 2, code: 'TILE_CHECKSUM_MISMATCH' }));
    expect(blameIn(book)).toEqual({ badTiles: 1 });
  });

  it('blames no node that was lost, and the tile if it took several with it', () => {
    const book = bookOf(failure('a', 1, { code: 'NODE_LOST' }));
    expect(blameIn(book)).toEqual({ badTiles: 0 });
    book.attemptFailed(failure('b', 1, { attempt: 2 }));
    expect(blameIn(book)).toEqual({ badTiles: 1 });
  });

  it('says nothing of tiles that nobody has failed', () => {
    const book = bookOf();
    expect([book.tileDone(jobId('shot'), 1, 1), book.isEmpty]).toEqual([false, true]);
  });

  it('forgives with time, and forgets a job when nothing of it counts', () => {
    const book = bookOf(failure('a', 1, { atMs: 0 }), failure('a', 2, { atMs: 500 }));
    expect(blameIn(book, HOUR_MS - 1)).toEqual({ a: 2, badTiles: 0 });
    expect(blameIn(book, HOUR_MS)).toEqual({ a: 1, badTiles: 0 });
    book.forget(HOUR_MS, HOUR_MS);
    expect(book.isEmpty).toBe(false);
    book.forget(HOUR_MS + 500, HOUR_MS);
    expect(book.isEmpty).toBe(true);
  });

  it('forgives by hand without blaming others for it, and counts nothing again that comes a second time', () => {
    const book = bookOf(failure('a', 1), failure('b', 1, { attempt: 2 }), failure('a', 2));
    expect(book.forgive(nodeId('a'))).toEqual(['shot']);
    expect(blameIn(book)).toEqual({ badTiles: 1 });
    expect(book.attemptFailed(failure('a', 2))).toBe(false);
    expect(blameIn(book)).toEqual({ badTiles: 1 });
    expect(book.forgive(nodeId('a'))).toEqual([]);
    book.attemptFailed(failure('a', 2, { attempt: 2 }));
    expect(blameIn(book)).toEqual({ a: 1, badTiles: 1 });
  });

  it('counts each failure once, however often it is told', () => {
    fc.assert(
      fc.property(fc.array(anyFailure, { maxLength: 60 }), (failures) => {
        const once = bookOf(...failures);
        // What is true of a tile in the end is told last in both cases.
        const twice = bookOf(...failures, ...failures);
        expect(twice.blames(HOUR_MS, HOUR_MS)).toEqual(once.blames(HOUR_MS, HOUR_MS));
      }),
    );
  });

  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(fc.array(anyFailure, { maxLength: 60 }), fc.nat(2 * HOUR_MS), (failures, nowMs) => {
        const book = bookOf(...failures);
        book.forgive(nodeId('n2'));
        const read = new BlameBook(JSON.parse(JSON.stringify(book.toRecord())));
        expect(read.blames(nowMs, HOUR_MS)).toEqual(book.blames(nowMs, HOUR_MS));
        expect(read.toRecord()).toEqual(book.toRecord());
      }),
    );
  });

  it('blames nobody more for time that passes', () => {
    fc.assert(
      fc.property(
        fc.array(anyFailure, { maxLength: 60 }),
        fc.tuple(fc.nat(3 * HOUR_MS), fc.nat(HOUR_MS)),
        (failures, [fromMs, laterByMs]) => {
          const book = bookOf(...failures);
          book.forget(fromMs, HOUR_MS);
          const before = book.blames(fromMs, HOUR_MS);
          book.forget(fromMs + laterByMs, HOUR_MS);
          for (const { jobId: id, nodes } of book.blames(fromMs + laterByMs, HOUR_MS)) {
            const then = before.find((blame) => blame.jobId === id)!;
            for (const [node, { failedAtMs }] of nodes)
              expect(failedAtMs.length).toBeLessThanOrEqual(then.nodes.get(node)!.failedAtMs.length);
          }
        },
      ),
    );
  });

  it('is bounded, and the oldest goes first', () => {
    const book = new BlameBook();
    const { blamedTilesPerJobMax: perJob, blamedTilesMax: max } = LIMITS;
    for (let tile = 0; tile < perJob + 5; tile++) book.attemptFailed(failure('a', tile, { atMs: tile }));
    const { tiles } = book.toRecord().jobs[0]!;
    expect([tiles.length, tiles[0]!.tile]).toEqual([perJob, 5]);
    for (let job = 0; job < max / perJob; job++)
      for (let tile = 0; tile < perJob; tile++)
        book.attemptFailed(failure('a', tile, { jobId: jobId(`job-${job}`) }));
    const { jobs } = book.toRecord();
    expect(jobs.reduce((sum, job) => sum + job.tiles.length, 0)).toBe(max);
    expect(jobs.map((job) => job.jobId)).not.toContain('shot');
    for (let attempt = 1; attempt < 1_000; attempt++) book.attemptFailed(failure('b', 1, { attempt }));
    const tries = book.toRecord().jobs.at(-1)!.tiles.at(-1)!.tries;
    expect([tries.length, tries.at(-1)!.attempt]).toEqual([LIMITS.blamedTriesPerTileMax, 999]);
  });
});
