import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';
import { avoidList, isStranded } from './avoid-list.js';

const nodes = fc.array(
  fc.integer({ min: 0, max: 6 }).map((index) => `n${index}` as NodeId),
  { maxLength: 8 },
);

describe('the nodes that leave a tile to others', () => {
  it('are those that are not wanted, unless nobody else is left to render it', () => {
    fc.assert(
      fc.property(nodes, nodes, (unwanted, workers) => {
        const avoid = avoidList(unwanted, () => workers);
        const isSomebodyLeft = workers.length === 0 || workers.some((worker) => !unwanted.includes(worker));
        expect(new Set(avoid)).toEqual(new Set(isSomebodyLeft ? unwanted : []));
        expect(avoid).toHaveLength(new Set(avoid).size);
        expect(isStranded([{ avoid }], workers), 'at the moment when it is queued').toBe(false);
      }),
    );
  });

  it('are no more than a message may name, those that failed last', () => {
    const many = Array.from({ length: LIMITS.avoidedNodesMax + 5 }, (_, index) => `n${index}` as NodeId);
    expect(avoidList(many, () => [])).toEqual(many.slice(5));
  });

  it('strand a tile once no other worker is there, and only if every attempt at it is left to others', () => {
    const [a, b] = ['a', 'b'] as NodeId[] as [NodeId, NodeId];
    expect(isStranded([{ avoid: [a] }], [a, b])).toBe(false);
    expect(isStranded([{ avoid: [a] }], [a])).toBe(true);
    expect(isStranded([{ avoid: [a] }], []), 'nobody is there at all').toBe(false);
    expect(isStranded([{ avoid: [] }, { avoid: [a] }], [a])).toBe(false);
    expect(isStranded([], [a])).toBe(false);
  });
});
