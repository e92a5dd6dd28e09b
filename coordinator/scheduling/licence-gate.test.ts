import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { FENCED_AFTER_MS, LicenceGate } from './licence-gate.js';

const [A, B] = ['job-a', 'job-b'] as [JobId, JobId] as readonly JobId[] as [JobId, JobId];
const FREE = 'job-free' as JobId;
const [N1, N2, N3] = ['n1', 'n2', 'n3'] as readonly string[] as [NodeId, NodeId, NodeId];
const licencesOf = (jobId: JobId) => (jobId === FREE ? [] : ['nuke']);

interface Says {
  readonly revision: number;
  readonly taken?: Readonly<Record<string, number>>;
  readonly instanceId?: string;
}

function beat(nodeId: NodeId, { revision, taken = {}, instanceId = 'first' }: Says): Heartbeat {
  const inHand = Object.entries(taken).map(([jobId, count]) => ({
    ...{ jobId, taken: count, rendering: count },
    attempts: Array.from({ length: count }, (_, tile) => [1, tile, 1, 1]),
  }));
  return {
    ...{ nodeId, instanceId, hostName: 'host', inHand, inHandLeftOut: 0, assignmentRevision: revision },
  } as unknown as Heartbeat;
}

function gateWith(total: number, per: 'slot' | 'node' = 'slot'): LicenceGate {
  const gate = new LicenceGate(licencesOf);
  gate.setPolicy(new Map([['nuke', { total, per }]]));
  return gate;
}

/** As assign.ts does it. @returns slots that were written. */
function assign(
  gate: LicenceGate,
  nodeId: NodeId,
  jobId: JobId,
  slots: number,
  revision: number,
  nowMs = 0,
): number {
  const [permitted] = gate.permit(nodeId, [{ jobId, slots }], nowMs);
  gate.writing(nodeId, [{ jobId, slots: permitted! }], nowMs);
  gate.written(nodeId, revision, nowMs);
  return permitted!;
}

const KINDS = [
  ...(['assign', 'assign', 'apply', 'apply', 'begin', 'begin', 'end', 'end', 'beat', 'beat'] as const),
  ...(['kill', 'total', 'coordinator'] as const),
];

describe('tokens of a licence', () => {
  it('are free again only when their node has confirmed the very write that took them, with nothing in hand', () => {
    const gate = gateWith(1);
    expect(assign(gate, N1, A, 1, 1)).toBe(1);
    expect(assign(gate, N2, B, 1, 2)).toBe(0);
    expect(assign(gate, N1, A, 0, 3)).toBe(0);
    expect(gate.heard(beat(N1, { revision: 1, taken: {} }), 10), 'an older write').toBe(false);
    expect(gate.heard(beat(N1, { revision: 3, taken: { [A]: 1 } }), 20), 'it still renders').toBe(false);
    expect(assign(gate, N2, B, 1, 4)).toBe(0);
    expect(gate.heard(beat(N1, { revision: 3 }), 30)).toBe(true);
    expect(assign(gate, N2, B, 1, 5)).toBe(1);
    expect(gate.inUse().get('nuke')).toBe(1);
  });

  it('count per node where they are told to: all jobs of the node share one', () => {
    const gate = gateWith(1, 'node');
    const both = [
      { jobId: A, slots: 4 },
      { jobId: B, slots: 2 },
      { jobId: FREE, slots: 1 },
    ];
    expect(gate.permit(N1, both, 0)).toEqual([4, 2, 1]);
    gate.writing(N1, both, 0);
    expect(gate.inUse().get('nuke')).toBe(1);
    expect(gate.permit(N2, both, 0)).toEqual([0, 0, 1]);
  });

  it('of two jobs of one node do not add up to more than there are', () => {
    const wanted = [
      { jobId: A, slots: 3 },
      { jobId: B, slots: 3 },
    ];
    expect(gateWith(4).permit(N1, wanted, 0)).toEqual([3, 1]);
  });

  it('of a dead node are free when its assignment has been without them for longer than its fence', () => {
    const gate = gateWith(1);
    const isFree = (nowMs: number) => gate.permit(N2, [{ jobId: B, slots: 1 }], nowMs)[0] === 1;
    assign(gate, N1, A, 1, 1, 0);
    gate.heard(beat(N1, { revision: 1, taken: { [A]: 1 } }), 1_000);
    expect(gate.check(5_900, 0)).toEqual({ take: [], isFreed: false });
    expect(gate.check(6_000, 0)).toEqual({ take: [N1], isFreed: false });
    gate.writing(N1, [], 6_000);
    expect(gate.check(30_000, 0).isFreed, 'not written yet').toBe(false);
    gate.written(N1, 9, 30_000);
    expect(gate.check(30_000 + TIMES.licenceFenceMs, 0).isFreed, 'it may have looked right before').toBe(
      false,
    );
    expect(isFree(30_000 + TIMES.licenceFenceMs)).toBe(false);
    expect(gate.check(30_000 + FENCED_AFTER_MS, 0).isFreed).toBe(true);
    expect(isFree(30_000 + FENCED_AFTER_MS)).toBe(true);
  });

  it('of a silent node that finishes a tile are taken as well, and count from that write', () => {
    const gate = gateWith(1);
    assign(gate, N1, A, 1, 1, 0);
    gate.writing(N1, [], 10, [{ jobId: A }]);
    gate.written(N1, 2, 10);
    expect(gate.check(60_000, 0)).toEqual({ take: [N1], isFreed: false });
    gate.writing(N1, [], 60_000);
    gate.written(N1, 3, 60_000);
    expect(gate.check(60_000 + FENCED_AFTER_MS, 0).isFreed).toBe(true);
  });

  it('that were confirmed and given away before a restart are not given once more to who had them', () => {
    const gate = gateWith(1);
    gate.adopt(N1, { allowed: [], unconfirmed: [{ jobId: A, slots: 1 }] }, 2, 0);
    gate.adopt(N2, { allowed: [{ jobId: A, slots: 1 }], unconfirmed: [] }, 3, 0);
    expect(gate.permit(N1, [{ jobId: A, slots: 1 }], 10)).toEqual([0]);
    expect(gate.permit(N2, [{ jobId: A, slots: 1 }], 10)).toEqual([1]);
  });

  it('are confirmed by none of two agents that share an id', () => {
    const gate = gateWith(1);
    assign(gate, N1, A, 1, 1, 0);
    gate.heard({ ...beat(N1, { revision: 1, instanceId: 'new' }), startedAtMs: 9 }, 10);
    gate.heard({ ...beat(N1, { revision: 1, instanceId: 'old' }), startedAtMs: 5 }, 20);
    assign(gate, N1, A, 0, 2, 30);
    expect(gate.heard({ ...beat(N1, { revision: 2, instanceId: 'new' }), startedAtMs: 9 }, 40)).toBe(false);
    expect(gate.inUse().get('nuke')).toBe(1);
  });

  it('stay with a node that nobody could have heard', () => {
    const gate = gateWith(1);
    assign(gate, N1, A, 1, 1, 0);
    expect(gate.check(100_000, 99_000)).toEqual({ take: [], isFreed: false });
  });

  it('are held after a restart as the bucket has them, unconfirmed ones included, and by what nodes say', () => {
    const gate = gateWith(3);
    gate.adopt(N1, { allowed: [{ jobId: A, slots: 1 }], unconfirmed: [{ jobId: A, slots: 2 }] }, 5, 0);
    expect(gate.inUse().get('nuke')).toBe(2);
    gate.heard(beat(N2, { revision: 0, taken: { [B]: 1 } }), 10);
    expect(gate.inUse().get('nuke')).toBe(3);
    expect(gate.permit(N3, [{ jobId: B, slots: 1 }], 20)).toEqual([0]);
    gate.heard(beat(N1, { revision: 5, taken: { [A]: 1 } }), 30);
    expect(gate.permit(N3, [{ jobId: B, slots: 2 }], 40)).toEqual([1]);
  });

  it('are never in use more than there are, whatever is assigned, confirmed, killed and restarted', () => {
    const nodes = [N1, N2, N3];
    const step = fc.record({
      kind: fc.constantFrom(...KINDS),
      node: fc.nat(2),
      job: fc.constantFrom(A, B),
      count: fc.nat(4),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120, size: 'max' }),
        fc.constantFrom('slot', 'node'),
        (steps, per) => {
          let total = 4;
          let gate = gateWith(total, per);
          let revision = 0;
          let nowMs = 0;
          /** What the bucket has, what the agent works by, and what it renders. */
          const bucket = new Map<
            NodeId,
            {
              job: JobId;
              slots: number;
              revision: number;
              unconfirmed: readonly { jobId: JobId; slots: number }[];
            }
          >();
          const applied = new Map<NodeId, { job: JobId; slots: number; revision: number }>();
          const rendering = new Map<NodeId, Map<JobId, number>>(nodes.map((node) => [node, new Map()]));
          const inUse = () =>
            nodes.reduce((sum, node) => {
              const tiles = [...rendering.get(node)!.values()].reduce((all, count) => all + count, 0);
              return sum + (per === 'slot' ? tiles : Math.min(1, tiles));
            }, 0);
          const write = (nodeId: NodeId, job: JobId, wanted: number) => {
            const [slots] = gate.permit(nodeId, [{ jobId: job, slots: wanted }], nowMs);
            const told = [{ jobId: job, slots: slots! }];
            gate.writing(nodeId, told, nowMs);
            const unconfirmed = gate.unconfirmedOf(nodeId, told);
            gate.written(nodeId, ++revision, nowMs);
            bucket.set(nodeId, { job, slots: slots!, revision, unconfirmed });
          };
          for (const { kind, node, job, count } of steps) {
            nowMs += 100;
            const nodeId = nodes[node]!;
            const tiles = rendering.get(nodeId)!;
            const told = bucket.get(nodeId);
            switch (kind) {
              case 'assign':
                write(nodeId, job, count);
                break;
              case 'apply':
                if (told) applied.set(nodeId, told);
                break;
              case 'begin': {
                // By what it knows, which may be old; what it had beyond that it finishes.
                const now = applied.get(nodeId);
                if (now && (tiles.get(now.job) ?? 0) < now.slots) tiles.set(now.job, now.slots);
                break;
              }
              case 'end':
                if ((tiles.get(job) ?? 0) > 0) tiles.set(job, tiles.get(job)! - 1);
                break;
              case 'beat': {
                const taken = Object.fromEntries([...tiles].filter(([, its]) => its > 0));
                gate.heard(beat(nodeId, { revision: applied.get(nodeId)?.revision ?? 0, taken }), nowMs);
                break;
              }
              case 'kill':
                tiles.clear();
                applied.delete(nodeId);
                break;
              case 'total':
                // Fewer come true when tiles end: nothing is aborted for them.
                total = Math.max(total, count);
                gate.setPolicy(new Map([['nuke', { total, per }]]));
                break;
              case 'coordinator':
                gate = gateWith(total, per);
                for (const [id, was] of bucket)
                  gate.adopt(
                    id,
                    { allowed: [{ jobId: was.job, slots: was.slots }], unconfirmed: was.unconfirmed },
                    was.revision,
                    nowMs,
                  );
                break;
              default:
                throw kind satisfies never;
            }
            expect(inUse()).toBeLessThanOrEqual(total);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
