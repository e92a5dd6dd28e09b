import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JobId, jobIdSchema, type NodeId, nodeIdSchema } from '#shared/domain/ids.js';
import { BlameBook, type JobBlame } from './blame.js';
import { type BlamePolicy, judgeNodes, type Verdict } from './judge-nodes.js';

const POLICY: BlamePolicy = { blockAfter: 3, quarantineAfter: 2, forgiveAfterMs: 1_000 };
const jobId = (name: string) => jobIdSchema.parse(name);
const nodeId = (name: string) => nodeIdSchema.parse(name);
const nodes = (...names: string[]): ReadonlySet<NodeId> => new Set(names.map(nodeId));
const live = (...names: string[]): ReadonlySet<JobId> => new Set(names.map(jobId));

/** @param failed when each node failed its tiles. */
const blame = (
  job: string,
  failed: Readonly<Record<string, readonly number[]>>,
  { studio = 'studio-1', badTiles = 0 } = {},
): JobBlame => ({
  jobId: jobId(job),
  studio,
  badTiles,
  nodes: new Map(
    Object.entries(failed).map(([node, failedAtMs]) => [nodeId(node), { failedAtMs, code: 'RENDER_FAILED' }]),
  ),
});
const blocked = ({ standings }: Verdict) =>
  [...standings].flatMap(([node, { blocks }]) => blocks.map((block) => `${node} ${block.jobId}`)).sort();
const quarantined = ({ standings }: Verdict) =>
  [...standings].flatMap(([node, { quarantine }]) => (quarantine ? [node] : []));

describe('the judgement', () => {
  it('blocks a node for a job after three of its tiles, until fewer of them count', () => {
    const verdict = judgeNodes(
      [blame('x', { a: [10, 20, 30, 40], b: [10, 20] })],
      nodes('a', 'b'),
      live('x'),
      POLICY,
    );
    expect(blocked(verdict)).toEqual(['a x']);
    expect(verdict.standings.get(nodeId('a'))!.blocks).toEqual([
      { jobId: 'x', failures: 4, untilMs: 1_020, code: 'RENDER_FAILED' },
    ]);
    expect(verdict.nextChangeAtMs).toBe(1_020);
  });

  it('blocks nobody for jobs that have ended', () => {
    const ended = blame('x', { a: [1, 2, 3] });
    expect(blocked(judgeNodes([ended], nodes('a', 'b'), live(), POLICY))).toEqual([]);
  });

  it('blocks nobody for a job where everybody who is there would be', () => {
    const both = blame('x', { a: [1, 2, 3], b: [1, 2, 3, 4] });
    const verdict = judgeNodes([both], nodes('a', 'b'), live('x'), POLICY);
    expect([blocked(verdict), [...verdict.unblockedJobs]]).toEqual([[], ['x']]);
    expect(blocked(judgeNodes([both], nodes('a', 'b', 'c'), live('x'), POLICY))).toEqual(['a x', 'b x']);
    // With nobody there, nobody would work for it in any case.
    expect(blocked(judgeNodes([both], nodes(), live('x'), POLICY))).toEqual(['a x', 'b x']);
  });

  it('blocks nobody who is left while all better nodes are in trouble with the job', () => {
    const bad = blame('x', { a: [1, 2, 3] });
    const judged = (...troubled: string[]) =>
      judgeNodes([bad], nodes('a', 'b', 'c'), live('x', 'y'), POLICY, (node, job) =>
        troubled.includes(`${node} ${job}`),
      );
    expect(blocked(judged('b x', 'c y'))).toEqual(['a x']);
    const verdict = judged('b x', 'c x');
    expect([blocked(verdict), [...verdict.unblockedJobs]]).toEqual([[], ['x']]);
    // With everybody in trouble it waits in any case, and its blocks stand.
    expect(blocked(judged('a x', 'b x', 'c x'))).toEqual(['a x']);
  });

  it('quarantines nobody who is the only one left for some job', () => {
    const jobs = [blame('x', { a: [1, 2, 3] }), blame('y', { a: [1, 2, 3] }, { studio: 'studio-2' })];
    const judged = (troubled: string) =>
      judgeNodes(jobs, nodes('a', 'b'), live('x', 'z'), POLICY, (node, job) => troubled === `${node} ${job}`);
    expect(quarantined(judged('b y'))).toEqual(['a']);
    const verdict = judged('b z');
    expect([quarantined(verdict), verdict.isQuarantineWaived]).toEqual([[], true]);
    expect(blocked(verdict), 'for the job that has a better one').toEqual(['a x']);
  });

  it('asks for more where many tiles fail on every node', () => {
    const job = (failures: number) =>
      blame('x', { a: Array.from({ length: failures }, () => 1) }, { badTiles: 5 });
    expect(blocked(judgeNodes([job(5)], nodes('a', 'b'), live('x'), POLICY))).toEqual([]);
    expect(blocked(judgeNodes([job(6)], nodes('a', 'b'), live('x'), POLICY))).toEqual(['a x']);
  });

  it('quarantines a node that fails for two studios, whether their jobs still run or not', () => {
    const jobs = [
      blame('x', { a: [1, 2, 3] }),
      blame('y', { a: [101, 102, 103] }, { studio: 'studio-2' }),
      blame('z', { a: [7, 8, 9] }),
    ];
    const verdict = judgeNodes(jobs, nodes('a', 'b'), live('y'), POLICY);
    expect(quarantined(verdict)).toEqual(['a']);
    expect(verdict.standings.get(nodeId('a'))!.quarantine).toEqual({
      studios: ['studio-1', 'studio-2'],
      untilMs: 1_007,
      code: 'RENDER_FAILED',
    });
    const oneStudio = [jobs[0]!, jobs[2]!];
    expect(quarantined(judgeNodes(oneStudio, nodes('a', 'b'), live('x', 'z'), POLICY))).toEqual([]);
  });

  it('quarantines nobody where everybody would be, and blocks none of the last ones', () => {
    const jobs = [
      blame('x', { a: [1, 2, 3], b: [1, 2, 3] }),
      blame('y', { a: [1, 2, 3], b: [1, 2, 3] }, { studio: 'studio-2' }),
    ];
    const alone = judgeNodes(jobs, nodes('a', 'b'), live('x', 'y'), POLICY);
    expect([quarantined(alone), blocked(alone), alone.isQuarantineWaived]).toEqual([[], [], true]);
    const three = judgeNodes(jobs, nodes('a', 'b', 'c'), live('x', 'y'), POLICY);
    expect(quarantined(three)).toEqual(['a', 'b']);
    // The one that is left is bad for job z, and must render it all the same.
    const bad = [...jobs, blame('z', { c: [1, 2, 3] })];
    expect(blocked(judgeNodes(bad, nodes('a', 'b', 'c'), live('z'), POLICY))).toEqual([]);
  });

  it('always leaves somebody for each job', () => {
    const failures = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.array(fc.nat(100), { maxLength: 6 }),
      { noNullPrototype: true },
    );
    const anyBlame = fc
      .record({ failures, studio: fc.constantFrom('s', 't', 'u'), badTiles: fc.nat(4) })
      .map(({ failures: failed, ...rest }) => blame('x', failed, rest));
    const candidates = fc.subarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 });
    fc.assert(
      fc.property(fc.array(anyBlame, { maxLength: 6 }), candidates, (blames, names) => {
        const jobs = blames.map((one, index) => ({ ...one, jobId: jobId(`job-${index}`) }));
        const there = nodes(...names);
        const verdict = judgeNodes(jobs, there, new Set(jobs.map((job) => job.jobId)), POLICY);
        const free = [...there].filter((node) => !verdict.standings.get(node)?.quarantine);
        expect(free.length).toBeGreaterThan(0);
        for (const job of jobs) {
          const left = free.filter(
            (node) => !verdict.standings.get(node)?.blocks.some((block) => block.jobId === job.jobId),
          );
          expect(left.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe('a job all of whose tiles fail', () => {
  /** Gives tiles to random nodes that may have them, until each tile has failed as often as it may. */
  function runPoison(random: () => number, nodeCount: number, tileCount: number) {
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    const book = new BlameBook();
    const there = nodes(...Array.from({ length: nodeCount }, (_, index) => `n${index}`));
    const open = Array.from({ length: tileCount }, (_, tile) => ({ tile, failedBy: [] as NodeId[] }));
    let blocks = 0;
    let blockedNow = new Set<string>();
    for (let nowMs = 0; open.length > 0; nowMs++) {
      const verdict = judgeNodes(book.blames(nowMs, 1_000_000), there, live('x'), POLICY);
      const now = new Set(blocked(verdict));
      blocks += [...now].filter((pair) => !blockedNow.has(pair)).length;
      blockedNow = now;
      const workers = [...there].filter((node) => !now.has(`${node} x`));
      expect(workers.length).toBeGreaterThan(0);
      const next = pick(open);
      const others = workers.filter((node) => !next.failedBy.includes(node));
      const by = pick(others.length > 0 ? others : workers);
      next.failedBy.push(by);
      book.attemptFailed({
        ...{ jobId: jobId('x'), studio: 's', frame: 1, tile: next.tile, attempt: next.failedBy.length },
        ...{ nodeId: by, atMs: nowMs, code: 'RENDER_FAILED', isTileDone: false },
      });
      if (next.failedBy.length === 4) open.splice(open.indexOf(next), 1);
    }
    return blocks;
  }

  it('comes to its end on any number of nodes, and blocks hardly anybody', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (numbers, nodeCount, tileCount) => {
          const blocks = runPoison(() => numbers.next().value, nodeCount, tileCount);
          expect(blocks).toBeLessThanOrEqual(12);
        },
      ),
      { numRuns: 60 },
    );
  });
});
