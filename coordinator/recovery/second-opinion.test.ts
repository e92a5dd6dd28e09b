import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId, PlanId } from '#shared/domain/ids.js';
import { needsSecondOpinion, type Opinion, secondOpinion, type Verdict } from './second-opinion.js';

const opinion = fc.record({
  nodeId: fc.constantFrom('a', 'b', 'c', 'd').map((id) => id as NodeId),
  attempt: fc.integer({ min: 1, max: 6 }),
  digest: fc.constantFrom('right', 'wrong', 'worse', 'worst'),
});

/** Takes opinions in order until one of them decides. */
function decide(opinions: readonly Opinion[], candidatesMax: number) {
  let candidates: readonly Opinion[] = [];
  for (const next of opinions) {
    const verdict: Verdict<Opinion> = secondOpinion(candidates, next, candidatesMax, () => false);
    if (verdict.kind === 'agrees') return { verdict, candidates, next };
    if (verdict.kind === 'repeated' || verdict.kind === 'own') continue;
    candidates = [...candidates, next];
    if (verdict.kind === 'undecidable') return { verdict, candidates, next };
  }
  return { verdict: undefined, candidates, next: undefined };
}

describe('a second opinion', () => {
  it('verifies exactly when another node gave the same pixels, and names those with others', () => {
    fc.assert(
      fc.property(fc.array(opinion, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), (opinions, most) => {
        const { verdict, candidates, next } = decide(opinions, most);
        const digests = candidates.map(({ digest }) => digest);
        expect(new Set(digests).size, 'no two candidates are equal').toBe(digests.length);
        if (verdict?.kind === 'agrees') {
          expect(verdict.accepted.digest).toBe(next?.digest);
          expect(verdict.isVerified && verdict.accepted.nodeId !== next?.nodeId).toBe(true);
          expect(verdict.odd).toEqual(candidates.filter(({ digest }) => digest !== next?.digest));
        } else if (verdict) expect(candidates).toHaveLength(Math.max(2, most));
        else expect(candidates.length).toBeLessThan(Math.max(2, most));
      }),
    );
  });

  it('of the same node counts exactly when nobody is left to ask', () => {
    const nodeId = 'a' as NodeId;
    const first = { nodeId, attempt: 1, digest: 'right' };
    const next = { ...first, attempt: 2 };
    expect(secondOpinion([first], next, 5, () => false)).toEqual({ kind: 'own' });
    expect(secondOpinion([first], next, 5, () => true)).toMatchObject({ kind: 'agrees', isVerified: false });
  });

  it('of a result that is read again changes nothing', () => {
    fc.assert(
      fc.property(fc.array(opinion, { maxLength: 6 }), (opinions) => {
        const twice = opinions.flatMap((one) => [one, one]);
        expect(decide(twice, 4)).toEqual(decide(opinions, 4));
      }),
    );
  });

  it('is wanted for the same tiles at every look, and for about as many as were asked for', () => {
    const plan = 'plan-1' as PlanId;
    for (const ratio of [0.01, 0.1, 0.5]) {
      let wanted = 0;
      for (let frame = -50; frame < 50; frame++)
        for (let tile = 0; tile < 200; tile++) if (needsSecondOpinion(plan, frame, tile, ratio)) wanted++;
      const spread = 5 * Math.sqrt(20_000 * ratio * (1 - ratio));
      expect(Math.abs(wanted - 20_000 * ratio), `${wanted} of 20000 at ${ratio}`).toBeLessThan(spread);
    }
    expect(needsSecondOpinion(plan, 1, 1, 0)).toBe(false);
    expect(needsSecondOpinion(plan, 1, 1, 1)).toBe(true);
    expect(needsSecondOpinion(plan, 7, 3, 0.3)).toBe(needsSecondOpinion(plan, 7, 3, 0.3));
  });
});
