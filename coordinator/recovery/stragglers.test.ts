import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Heartbeat, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { type Hold, type StragglerQuestion, stragglers, trackHolds } from './stragglers.js';

const JOB = 'job-1' as JobId;
const NODES = ['a', 'b', 'c'] as NodeId[];

const held = (tile: number): HeldAttempt => [1, tile, 1, tile + 1];

function hold(nodeId: string, tile: number, sinceMs: number, isRendering = true): Hold {
  return { jobId: JOB, nodeId: nodeId as NodeId, held: held(tile), isRendering, sinceMs };
}

function ask(holds: Hold[], changes: Partial<StragglerQuestion> = {}) {
  const found = stragglers({
    holds,
    workers: NODES.map((nodeId) => ({ nodeId, slots: 2, slotsBusy: nodeId === 'a' ? 2 : 0 })),
    expectedMs: () => 1_000,
    nowMs: 100_000,
    copyable: () => ({ avoid: [] }),
    ...changes,
  });
  return found.map((one) => one.held[1]);
}

describe('stragglers', () => {
  it('are tiles that render for three times what the job takes, and at least 2 s', () => {
    expect(ask([hold('a', 0, 96_000), hold('a', 1, 98_000)])).toEqual([0]);
    expect(ask([hold('a', 0, 96_000)], { expectedMs: () => 2_000 })).toEqual([]);
    expect(ask([hold('a', 0, 97_500)], { expectedMs: () => 1 })).toEqual([0]);
    expect(ask([hold('a', 0, 98_500)], { expectedMs: () => 1 })).toEqual([]);
  });

  it('are judged by what each of them should take', () => {
    const expectedMs = ({ held: [, tile] }: Hold) => (tile === 0 ? 10_000 : 500);
    expect(ask([hold('a', 0, 80_000), hold('a', 1, 97_000)], { expectedMs })).toEqual([1]);
  });

  it('are tiles that wait on a busy node, and not those whose node is about to begin them', () => {
    expect(ask([hold('a', 0, 90_000, false)])).toEqual([0]);
    expect(ask([hold('b', 0, 90_000, false)])).toEqual([]);
  });

  it('go to another node that would take them, or are left alone', () => {
    const avoid = ['b', 'c'] as NodeId[];
    expect(ask([hold('a', 0, 90_000)], { copyable: () => ({ avoid }) })).toEqual([]);
    expect(ask([hold('a', 0, 90_000)], { copyable: () => undefined })).toEqual([]);
    const workers = [{ nodeId: 'a' as NodeId, slots: 4, slotsBusy: 1 }];
    expect(ask([hold('a', 0, 90_000)], { workers })).toEqual([]);
  });

  it('are copied the oldest first, each once, and no more than slots idle', () => {
    const some = fc.array(
      fc.record({
        nodeId: fc.constantFrom(...NODES),
        tile: fc.nat(20),
        sinceMs: fc.integer({ min: 0, max: 100_000 }),
        isRendering: fc.boolean(),
      }),
    );
    const loads = fc.array(fc.tuple(fc.nat(4), fc.nat(4)), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(some, loads, (holdings, busy) => {
        const holds = holdings.map((one) => hold(one.nodeId, one.tile, one.sinceMs, one.isRendering));
        const workers = NODES.map((nodeId, index) => ({
          nodeId,
          slots: busy[index]![0],
          slotsBusy: busy[index]![1],
        }));
        const idle = workers.reduce((sum, { slots, slotsBusy }) => sum + Math.max(0, slots - slotsBusy), 0);
        const question = {
          holds,
          workers,
          expectedMs: () => 500,
          nowMs: 100_000,
          copyable: () => ({ avoid: [] }),
        };
        const found = stragglers(question);
        expect(found.length).toBeLessThanOrEqual(idle);
        expect(new Set(found.map((one) => one.held[1])).size).toBe(found.length);
        const ages = found.map((one) => one.sinceMs);
        expect(ages).toEqual([...ages].sort((a, b) => a - b));
      }),
    );
  });

  it('are timed from when they came into a hand, and anew from when they began to render', () => {
    const beat = (
      tiles: number[],
      rendering: number,
    ): Pick<Heartbeat, 'nodeId' | 'instanceId' | 'inHand'> => ({
      nodeId: NODES[0]!,
      instanceId: 'i',
      inHand: [{ jobId: JOB, attempts: tiles.map(held), rendering }],
    });
    const jobs = new Set([JOB]);
    const times = (holds: ReturnType<typeof trackHolds>) =>
      [...holds.values()].map((one) => [one.held[1], one.isRendering, one.sinceMs]);
    const first = trackHolds(new Map(), [beat([1, 2], 1)], jobs, 10);
    const second = trackHolds(first, [beat([1, 2], 1)], jobs, 20);
    expect(times(second)).toEqual([
      [1, true, 10],
      [2, false, 10],
    ]);
    const third = trackHolds(second, [beat([2, 3], 1)], jobs, 30);
    expect(times(third)).toEqual([
      [2, true, 30],
      [3, false, 30],
    ]);
    expect(trackHolds(third, [beat([2], 1)], new Set(), 40).size, 'of other jobs').toBe(0);
  });
});
