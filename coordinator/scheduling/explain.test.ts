import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jobIdSchema, nodeIdSchema, studioSchema } from '#shared/domain/ids.js';
import { anyFarm, GIB, sampleJob, sampleNode } from '#tests/support/farm-samples.js';
import { isEligible } from '#tests/support/scheduling/is-eligible.js';
import { lacksOf, whyNot } from './eligible.js';
import { whyJob } from './explain.js';
import { whyNode } from './explain-node.js';
import type { FarmJob, FarmNode, LicencePolicy, SchedulingPolicy, StudioPolicy } from './farm-model.js';
import { rendererSet } from './renderer-versions.js';

/** Slots by node and job, as a test writes them. */
type Given = Readonly<Record<string, Readonly<Record<string, number>>>>;

const allocationOf = (given: Given) =>
  new Map(
    Object.entries(given).map(([nodeId, jobs]) => [
      nodeIdSchema.parse(nodeId),
      new Map(Object.entries(jobs).map(([jobId, slots]) => [jobIdSchema.parse(jobId), slots])),
    ]),
  );
const policyOf = (
  studios: Readonly<Record<string, StudioPolicy>> = {},
  licences: Readonly<Record<string, LicencePolicy>> = {},
): SchedulingPolicy => ({
  studios: new Map(Object.entries(studios).map(([name, policy]) => [studioSchema.parse(name), policy])),
  licences: new Map(Object.entries(licences)),
});
const said = (
  nodes: readonly FarmNode[],
  jobs: readonly FarmJob[],
  given: Given = {},
  policy = policyOf(),
  licencesInUse: ReadonlyMap<string, number> = new Map(),
) =>
  whyJob({ snapshot: { nodes, jobs }, policy, allocation: allocationOf(given), licencesInUse }, jobs[0]!).map(
    ({ kind, message }) => `${kind}: ${message}`,
  );

const ads = studioSchema.parse('ads');
const other = jobIdSchema.parse('sim-1');
const n1 = sampleNode('n1');

describe('of a job that may not run, it is said what opens the gate', () => {
  it.each<[string, FarmJob['gate'], string]>([
    ['a pause', { kind: 'paused' }, 'paused: it is paused: guian job resume shot'],
    [
      'its start',
      { kind: 'start_time', startAtMs: Date.UTC(2026, 10, 25, 8) },
      'start_time: it starts by itself at 2026-11-25 08:00:00 UTC',
    ],
    [
      'a job that runs',
      { kind: 'dependency', jobId: other, isHopeless: false },
      'dependency: it begins when job sim-1 is done (guian job why sim-1), or at once: guian job resume shot --ignore-after',
    ],
    [
      'a job that has failed',
      { kind: 'dependency', jobId: other, isHopeless: true },
      'dependency: job sim-1 has ended without finishing, so that it waits for ever: guian job retry sim-1, or guian job resume shot --ignore-after',
    ],
    [
      'a renderer that no node has',
      { kind: 'renderer', renderer: 'blender' },
      'renderer: no node has blender: install it on one and start its agent again (guian agent)',
    ],
  ])('%s', (_, gate, line) => {
    expect(said([n1], [sampleJob('shot', { gate })])).toEqual([line]);
  });

  it('and what it will lack then', () => {
    const job = sampleJob('shot', { gate: { kind: 'paused' }, tags: ['fast'] });
    expect(said([n1], [job])).toEqual([
      'paused: it is paused: guian job resume shot',
      'tags: no node can work for it: 1 node could but for tag fast: guian node tag n1 +fast',
    ]);
  });
});

describe('of a job that no node can work for, it is said what the nearest nodes lack', () => {
  const blender = rendererSet([{ name: 'blender', version: '3.6.2' }]);
  it.each<[string, readonly FarmNode[], Partial<FarmJob>, readonly string[]]>([
    ['any node', [], {}, ['no_node: the farm has no node: start one: guian agent']],
    [
      'slots',
      [sampleNode('n1', { slots: 0 })],
      {},
      [
        'no_node: no node can work for it: 1 node could but for slots, of which they have none: guian agent --slots N on n1',
      ],
    ],
    [
      'the pool',
      [n1, sampleNode('n2', { slots: 8 })],
      { pool: 'gpu' },
      [
        'pool: no node can work for it: 2 nodes could but for pool gpu: guian node pool n2 +gpu, or guian job move shot --any-pool',
      ],
    ],
    [
      'tags; the node that lacks fewest is named',
      [n1, sampleNode('n2', { tags: new Set(['fast']) })],
      { tags: ['big', 'fast'] },
      ['tags: no node can work for it: 2 nodes could but for tag big: guian node tag n2 +big'],
    ],
    [
      'the renderer',
      [sampleNode('n1', { renderers: blender })],
      { renderer: 'blender 4.1.0' },
      [
        'renderer: no node can work for it: 1 node could but for blender 4.1.0: install it, e.g. on n1, which has blender 3.6.2',
      ],
    ],
    [
      'GPUs',
      [n1, sampleNode('n2', { gpus: 1, gpuMemoryBytes: 8 * GIB })],
      { gpus: 2 },
      [
        'gpu: no node can work for it: 2 nodes could but for GPUs: it needs 2, and the node with most has 1 (n2)',
      ],
    ],
    [
      'memory of GPUs',
      [sampleNode('n2', { gpus: 1, gpuMemoryBytes: 8 * GIB })],
      { gpus: 1, gpuMemoryBytes: 24 * GIB },
      [
        'gpu: no node can work for it: 1 node could but for GPUs: it needs 24 GiB of memory on each, and the largest have 8 GiB (n2)',
      ],
    ],
    [
      'memory',
      [n1, sampleNode('n2', { memoryBytes: 7.96 * GIB })],
      { slotMemoryBytes: 8.04 * GIB },
      [
        'memory: no node can work for it: 2 nodes could but for memory: a slot of it needs 8.04 GiB, and the largest has 8 GiB (n1)',
      ],
    ],
    [
      'cores',
      [n1],
      { cores: 64 },
      ['cores: no node can work for it: 1 node could but for cores: it needs 64, and the largest has 4 (n1)'],
    ],
    [
      'trust',
      [sampleNode('n1', { blockedJobs: new Set([jobIdSchema.parse('shot')]) })],
      {},
      [
        'blocked: no node can work for it: 1 node could but failed too many of its tiles (n1): they are forgiven with time, or once mended: guian node forgive n1',
      ],
    ],
    [
      'nothing but that they are at work',
      [sampleNode('n1', { state: 'lost' }), sampleNode('n2', { state: 'drained' })],
      {},
      [
        'node_state: no node can work for it: 2 nodes could but for their state (1 drained, 1 lost): n2 is drained: guian node resume n2',
      ],
    ],
    [
      'one thing each: the least to change comes first',
      [
        sampleNode('n1', { pools: new Set(['gpu']), state: 'quarantined' }),
        sampleNode('n2', { tags: new Set(['fast']) }),
        sampleNode('n3', { pools: new Set(['gpu']), state: 'ready' }),
        sampleNode('n4'),
      ],
      { pool: 'gpu', tags: ['fast'] },
      [
        'tags: no node can work for it: 1 node could but for tag fast: guian node tag n3 +fast',
        'pool: no node can work for it: 1 node could but for pool gpu: guian node pool n2 +gpu, or guian job move shot --any-pool',
      ],
    ],
    [
      'several things at once: all of the nearest',
      [n1],
      { pool: 'gpu', tags: ['fast'] },
      [
        'pool: the job asks for pool gpu, and node n1 is in none: guian node pool n1 +gpu',
        'tags: node n1 lacks tag fast: guian node tag n1 +fast',
      ],
    ],
  ])('%s', (_, nodes, needs, lines) => {
    expect(said(nodes, [sampleJob('shot', needs)])).toEqual(lines);
  });
});

describe('of a job that waits for slots, it is said who or what has them', () => {
  const shot = sampleJob('shot');
  it('nothing, when it has a slot for every tile', () => {
    expect(said([n1], [sampleJob('shot', { demand: 4 })], { n1: { shot: 4 } })).toEqual([]);
  });

  it('nor any slot that would help, when its last tiles render', () => {
    expect(said([n1], [sampleJob('shot', { demand: 0 })])).toEqual([
      'all_out: every tile that it can give out is done or renders: it can use no more slots now',
    ]);
  });

  it('its own limit', () => {
    expect(said([n1], [sampleJob('shot', { maxSlots: 2 })], { n1: { shot: 2 } })).toEqual([
      'job_max: it has the 2 slots that it may have at most: guian job limit shot --max-slots 3',
    ]);
  });

  it("its studio's limit, with those of the studio who are served first", () => {
    const policy = policyOf({ film: { share: 1, maxSlots: 2 } });
    const first = sampleJob('first', { priority: 60, demand: 5 });
    expect(said([n1], [shot], { n1: { shot: 2 } }, policy)).toEqual([
      'studio_max: studio film has the 2 slots that it may have at most: guian studio set film --max-slots 3',
    ]);
    expect(said([n1], [shot, first], { n1: { first: 2 } }, policy)).toEqual([
      'studio_max: studio film has the 2 slots that it may have at most, and its other jobs in line want 3 more: guian studio set film --max-slots 6',
    ]);
  });

  it('a licence, by slot or by node, that is used, that is not free yet, or that the farm does not have', () => {
    const job = sampleJob('shot', { licences: ['nuke'] });
    const own = { n1: { shot: 2 } };
    const policy = policyOf({}, { nuke: { total: 2, per: 'slot' } });
    expect(said([n1], [job], own, policy)).toEqual([
      'licence: licence nuke has 2 of 2 tokens in use: guian licence set nuke --total 3',
    ]);
    const inUse = new Map([['nuke', 2]]);
    expect(said([n1], [job], { n1: { shot: 1 } }, policy, inUse)).toEqual([
      'licence: licence nuke has 2 of 2 tokens in use, 1 of them until nodes confirm that they have stopped: guian licence set nuke --total 3',
    ]);
    expect(said([n1], [job])).toEqual([
      'licence: licence nuke has no tokens: guian licence set nuke --total 1',
    ]);
    const perNode = policyOf({}, { nuke: { total: 1, per: 'node' } });
    const rival = sampleJob('rival', { licences: ['nuke'], studio: ads, demand: 4 });
    const n2 = sampleNode('n2');
    expect(said([n1, n2], [job, rival], { n1: { rival: 4 } }, perNode)).toEqual([
      'licence: licence nuke has 1 of 1 token in use (one per node): guian licence set nuke --total 2',
    ]);
    // The node that has the token has slots as well.
    expect(said([n1, n2], [job, rival], { n1: { rival: 3 } }, perNode)).toEqual([
      'share: node n1 has a free slot for it, which it gets with the next change of the farm',
    ]);
  });

  const more = (count: number, taken: number | 'all' = 'all') =>
    `share: the 1 node that can work for it has 4 slots, ${taken} taken by its studio; it could use ${count} more: guian agent on another machine`;

  it('memory, when slots are free for want of it', () => {
    const job = sampleJob('shot', { slotMemoryBytes: 3 * GIB });
    expect(said([n1], [job], { n1: { shot: 2 } })).toEqual([
      'memory: 2 slots that it could use stay free for want of memory: a slot of it needs 3 GiB, and node n1, which has most left, has 2 GiB',
      more(6, 2),
    ]);
    const other = sampleJob('other', { slotMemoryBytes: 4 * GIB });
    expect(said([n1], [job, other], { n1: { shot: 2 } })[0]).toMatch(
      /has 2 GiB; 16 GiB in all would do for every job$/,
    );
  });

  it('jobs of its studio that come first, share equally, or are at the top', () => {
    const higher = sampleJob('higher', { priority: 60 });
    expect(said([n1], [shot, higher], { n1: { higher: 4 } })).toEqual([
      'share: job higher of its studio with priority 60 over its 50 has 4 slots that it could use: guian job priority shot 61',
      more(8),
    ]);
    const equal = sampleJob('equal');
    expect(said([n1], [shot, equal, higher], { n1: { shot: 1, equal: 1, higher: 2 } })).toEqual([
      'share: 2 jobs of its studio, equal among them, with priority 50 as well have 3 slots that it could use: guian job priority shot 51',
      more(7),
    ]);
    expect(said([n1], [shot, sampleJob('top', { priority: 100 })], { n1: { top: 4 } })[0]).toBe(
      'share: job top of its studio with priority 100 over its 50 has 4 slots that it could use: guian job priority shot 100',
    );
    const top = [sampleJob('shot', { priority: 100 }), sampleJob('top', { priority: 100 })];
    expect(said([n1], top, { n1: { shot: 2, top: 2 } })).toEqual([
      'share: job top of its studio with priority 100 as well has 2 slots that it could use: guian job priority top 99',
      more(6),
    ]);
  });

  it('other studios, by their shares, with the share or the capacity that would give one more', () => {
    const rival = sampleJob('rival', { studio: ads });
    const policy = policyOf({ ads: { share: 3, maxSlots: 0 } });
    expect(said([n1], [shot, rival], { n1: { shot: 1, rival: 3 } }, policy)).toEqual([
      'share: studio film has 1 slot by share 1 (ads: 3 by share 3): guian studio set film --share 1.81 gives it another, and so would about 3 new slots (guian agent)',
    ]);
    const small = [sampleNode('n1', { slots: 1 })];
    expect(said(small, [shot, rival], { n1: { rival: 1 } })).toEqual([
      'share: studio film has 0 slots by share 1 (ads: 1 by share 1), and none has one to spare for it: about 1 new slot would give it another (guian agent)',
    ]);
  });

  it('that it has them all, with the nodes that are nearly fit for it', () => {
    const tagged = [sampleNode('n1', { tags: new Set(['fast']) }), sampleNode('n2'), sampleNode('n3')];
    const job = sampleJob('shot', { tags: ['fast'] });
    expect(said(tagged, [job], { n1: { shot: 4 } })).toEqual([
      more(4),
      'tags: 2 more nodes could work for it but for tag fast: guian node tag n2 +fast',
    ]);
  });
});

it('a job of a farm of 10,000 nodes is explained in 50 ms', () => {
  const kinds = ['day', 'night', 'gpu'];
  const nodes = Array.from({ length: 10_000 }, (_, index) =>
    sampleNode(`n${index}`, { slots: 16, pools: new Set([kinds[index % 3]!]), memoryBytes: 64 * GIB }),
  );
  const jobs = Array.from({ length: 500 }, (_, index) =>
    sampleJob(`j${index}`, {
      studio: studioSchema.parse(`s${index % 50}`),
      demand: 10_000,
      slotMemoryBytes: 3 * GIB,
      tags: index === 0 ? ['fast'] : [],
    }),
  );
  const given = Object.fromEntries(
    nodes.map(({ nodeId }, index) => [nodeId, { [`j${index % 499}`]: 8, [`j${(index * 7) % 499}`]: 8 }]),
  );
  const farm = { snapshot: { nodes, jobs }, policy: policyOf(), allocation: allocationOf(given) };
  for (const job of [jobs[0]!, jobs[499]!]) {
    const tookMs = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      expect(whyJob(farm, job).length).toBeGreaterThan(0);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    });
    // Of the processor, and the best of several: others may be at work on the machine.
    expect(Math.min(...tookMs)).toBeLessThan(50);
  }
});

it('a job that has changed since the allocation is not taken for another one', () => {
  const before = sampleJob('shot', { maxSlots: 2 });
  const snapshot = { nodes: [n1], jobs: [before, sampleJob('other')] };
  const allocation = allocationOf({ n1: { shot: 1, other: 3 } });
  const why = whyJob({ snapshot, policy: policyOf(), allocation }, { ...before, maxSlots: 0 });
  expect(why[0]!.message).toBe(
    'job other of its studio with priority 50 as well has 3 slots that it could use: guian job priority shot 51',
  );
});

describe('of a node', () => {
  it('it is said of every job what it does for it or why not', () => {
    const node = sampleNode('n1', { memoryBytes: 4 * GIB });
    const jobs = [
      sampleJob('at-work'),
      sampleJob('waiting', { studio: ads }),
      sampleJob('paused', { gate: { kind: 'paused' } }),
      sampleJob('tagged', { tags: ['fast'], pool: 'gpu' }),
      sampleJob('content', { demand: 2 }),
      sampleJob('over', { demand: 0 }),
      sampleJob('limited', { maxSlots: 1 }),
    ];
    const given = { n1: { 'at-work': 4 }, n2: { content: 2, limited: 1 } };
    const snapshot = { nodes: [node, sampleNode('n2')], jobs };
    const why = whyNode({ snapshot, policy: policyOf(), allocation: allocationOf(given) }, node);
    expect(
      why.map(({ jobId, slots, waits }) => [jobId, slots, ...waits.map(({ message }) => message)]),
    ).toEqual([
      ['at-work', 4],
      [
        'waiting',
        0,
        'its 4 slots are given: at-work 4 (studio film); who comes first: guian job why waiting',
      ],
      ['paused', 0, 'it is paused: guian job resume paused'],
      [
        'tagged',
        0,
        'the job asks for pool gpu, and node n1 is in none: guian node pool n1 +gpu',
        'node n1 lacks tag fast: guian node tag n1 +fast',
      ],
      ['content', 0, 'it has the 2 slots that it can use, on other nodes'],
      ['over', 0, 'every tile that it can give out is done or renders: it can use no more slots now'],
      ['limited', 0, 'it has the 1 slot that it may have at most: guian job limit limited --max-slots 2'],
    ]);
  });

  it('what keeps it from a job is told just when the allocator may not use it for the job', () => {
    fc.assert(
      fc.property(anyFarm, ({ snapshot: { nodes, jobs } }) => {
        for (const node of nodes)
          for (const job of jobs) {
            expect(lacksOf(node, job) === 0).toBe(isEligible(node, job));
            expect(whyNot(node, job) === undefined).toBe(isEligible(node, job));
          }
      }),
    );
  });

  it('memory of GPUs matters to a job that asks for GPUs', () => {
    const wants = (gpus: number) => sampleJob('shot', { gpus, gpuMemoryBytes: 24 * GIB });
    const small = sampleNode('n2', { gpus: 1, gpuMemoryBytes: 8 * GIB });
    expect([wants(0), wants(1)].map((job) => whyNot(small, job)?.kind)).toEqual([undefined, 'gpu']);
    expect([wants(0), wants(1)].map((job) => isEligible(small, job))).toEqual([true, false]);
  });

  it('a free slot and memory for it keep it from no job; too little memory does', () => {
    const job = sampleJob('shot', { slotMemoryBytes: 3 * GIB });
    const hog = sampleJob('hog', { slotMemoryBytes: 6 * GIB });
    const farm = { snapshot: { nodes: [n1], jobs: [job, hog] }, policy: policyOf() };
    const waits = (given: Given) => whyNode({ ...farm, allocation: allocationOf(given) }, n1)[0]!.waits;
    expect(waits({})).toEqual([]);
    expect(waits({ n1: { hog: 1 } })).toMatchObject([
      {
        kind: 'memory',
        message:
          "a slot of the job needs 3 GiB of memory, and 2 GiB of the node's are left beside what it renders",
      },
    ]);
  });
});
