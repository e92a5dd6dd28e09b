import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { QueuedAttempt } from './lost-tiles.js';
import { type LostAgent, type UntoldQuestion, untoldTiles } from './untold-tiles.js';

const tile = (index: number): QueuedAttempt => ({ frame: 1, tile: index, attempt: 1, sequence: index + 1 });
const tiles = (count: number) => Array.from({ length: count }, (_, index) => tile(index));
const agent = (lostAtMs: number, spareSlots: number, lastHeardAtMs = lostAtMs - 100): LostAgent => ({
  ...{ nodeId: `node-${lostAtMs}` as NodeId, lostAtMs, lastHeardAtMs, spareSlots },
});

/** A look at a queue of which all that is asked about has been delivered. */
function ask(question: Partial<UntoldQuestion<QueuedAttempt>> & { readonly isWaitedFor: boolean }) {
  const { isWaitedFor, ...rest } = question;
  const found = untoldTiles({
    tiles: tiles(3),
    look: { deliveredUpTo: 100, acknowledgedUpTo: 0, leased: 100, isWaitedFor },
    ...{ lookedAtMs: 10_000, lost: [], givenAtMs: () => undefined },
    ...{ isWaiting: () => true, isAvoided: () => false },
    ...rest,
  });
  const numbers = (list: readonly QueuedAttempt[]) => list.map((one) => one.tile);
  return { gone: numbers(found.gone), unsure: numbers(found.unsure), atWork: numbers(found.atWork) };
}

describe('tiles in nobody’s hand, where no node is lost', () => {
  it('are gone where somebody waits for a tile, since none that was handed back is left then', () => {
    expect(ask({ isWaitedFor: true })).toEqual({ gone: [0, 1, 2], unsure: [], atWork: [] });
  });

  it('may have been handed back where every slot is busy: nothing is told of them', () => {
    expect(ask({ isWaitedFor: false })).toEqual({ gone: [], unsure: [0, 1, 2], atWork: [] });
  });

  it('are left alone while they wait for whoever takes them, each for itself', () => {
    const givenAtMs = (one: QueuedAttempt) => (one.tile === 1 ? 9_000 : undefined);
    expect(ask({ isWaitedFor: true, givenAtMs }).gone).toEqual([0, 2]);
    expect(ask({ isWaitedFor: false, givenAtMs }).unsure).toEqual([0, 2]);
    // It has waited for longer than a lease, or agents have been lost since.
    expect(ask({ isWaitedFor: true, givenAtMs, isWaiting: () => false })).toMatchObject({
      ...{ gone: [0, 2], unsure: [1] },
    });
    const later = { isWaitedFor: true, givenAtMs: () => 10_001, isWaiting: () => false };
    expect(ask(later), 'its taker may have spoken before it took it').toMatchObject({ gone: [], unsure: [] });
  });

  it('fly from node to node where nodes are to leave them to others', () => {
    expect(ask({ isWaitedFor: true, isAvoided: (one) => one.tile === 0 })).toMatchObject({
      ...{ gone: [1, 2], unsure: [0] },
    });
  });

  it('are as good as done where there are more of them than leases', () => {
    const look = { deliveredUpTo: 100, acknowledgedUpTo: 0, leased: 2, isWaitedFor: true };
    expect(ask({ isWaitedFor: true, look })).toEqual({ gone: [], unsure: [], atWork: [] });
  });
});

describe('tiles in nobody’s hand, where agents are lost', () => {
  it('were with one of them, and the first of them in its slots as far as these had nothing else', () => {
    const found = { gone: [0, 1, 2], unsure: [], atWork: [0, 1] };
    for (const isWaitedFor of [true, false])
      expect(ask({ isWaitedFor, lost: [agent(5_000, 2)] })).toEqual(found);
    expect(ask({ isWaitedFor: false, lost: [agent(5_000, 0)] }).atWork).toEqual([]);
  });

  it('are not lost a second time by the loss that gave them to others', () => {
    const givenAtMs = (one: QueuedAttempt) => (one.tile < 2 ? 5_000 : undefined);
    expect(ask({ isWaitedFor: true, lost: [agent(5_000, 3)], givenAtMs }).gone).toEqual([2]);
  });

  it('are lost again with the agent that took them, and died before it told of them', () => {
    const givenAtMs = () => 5_000;
    const lost = [agent(5_000, 1), agent(5_800, 1, 5_500)];
    expect(ask({ isWaitedFor: false, tiles: [tile(0)], lost, givenAtMs })).toEqual({
      ...{ gone: [0], unsure: [], atWork: [0] },
    });
  });

  it('had not begun on an agent that was silent when they were given, though they may be on their way to it', () => {
    const lost = [agent(9_000, 1, 5_000 - 2 * TIMES.heartbeatEveryMs - 1)];
    const givenAtMs = () => 5_000;
    const asked = { tiles: [tile(0)], lost, givenAtMs };
    expect(ask({ ...asked, isWaitedFor: true })).toEqual({ gone: [0], unsure: [], atWork: [] });
    expect(ask({ ...asked, isWaitedFor: false })).toEqual({ gone: [], unsure: [0], atWork: [] });
  });

  it('count against no more slots than ended agents had free, and each goes one way', () => {
    const agents = fc.array(
      fc
        .tuple(fc.nat(9_000), fc.nat(3), fc.nat(4_000))
        .map(([at, spare, silent]) => agent(at, spare, at - silent)),
      { minLength: 1, maxLength: 4 },
    );
    const given = fc.array(fc.option(fc.nat(9_000), { nil: undefined }), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(agents, given, fc.boolean(), (lost, givenAt, isWaitedFor) => {
        const givenAtMs = (one: QueuedAttempt) => givenAt[one.tile];
        const { gone, unsure, atWork } = ask({ tiles: tiles(12), lost, givenAtMs, isWaitedFor });
        expect(atWork.length).toBeLessThanOrEqual(lost.reduce((sum, { spareSlots }) => sum + spareSlots, 0));
        expect(gone).toEqual(expect.arrayContaining(atWork));
        expect(gone.filter((one) => unsure.includes(one))).toEqual([]);
        const lastLostAtMs = Math.max(...lost.map(({ lostAtMs }) => lostAtMs));
        const open = tiles(12).filter((one) => (givenAt[one.tile] ?? -1) < lastLostAtMs);
        expect([...gone, ...unsure].sort((a, b) => a - b)).toEqual(open.map((one) => one.tile));
      }),
    );
  });
});
