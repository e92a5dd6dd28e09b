import { describe, expect, it } from 'vitest';
import type { FarmJob, FarmNode } from './farm-model.js';
import { burstMax, isOusted } from './slots-on-node.js';

const node = { slots: 8, memoryBytes: 100 } as FarmNode;
const job = (changes: Partial<FarmJob> = {}): FarmJob =>
  ({
    studio: 's',
    priority: 50,
    licences: [],
    maxSlots: 0,
    slotMemoryBytes: 0,
    preempt: 'tile',
    ...changes,
  }) as FarmJob;

describe('what a job may use of a node beyond its own slots', () => {
  it('is all that nobody else uses, where nothing limits it', () => {
    expect(burstMax(node, job(), 2, [[job(), 2]], 0)).toBeUndefined();
  });

  it('is nothing, where a licence, its own limit or that of its studio does', () => {
    expect(burstMax(node, job({ licences: ['nuke'] }), 2, [], 0)).toBe(2);
    expect(burstMax(node, job({ maxSlots: 5 }), 2, [], 0)).toBe(2);
    expect(burstMax(node, job(), 2, [], 9)).toBe(2);
  });

  it('is what memory is left for', () => {
    const large = job({ slotMemoryBytes: 20 });
    const other = job({ slotMemoryBytes: 10 });
    const all = [
      [large, 2],
      [other, 1],
    ] as const;
    expect(burstMax(node, large, 2, all, 0)).toBe(4);
    expect(burstMax(node, job({ slotMemoryBytes: 1 }), 1, [], 0), 'more than it has slots').toBeUndefined();
  });
});

describe('a job that loses its slots on a node', () => {
  const loser = job({ priority: 40 });
  const taker = job({ priority: 60, preempt: 'hard' });

  it('is ousted by one of its studio that is above it and says so', () => {
    expect(isOusted(loser, [job(), taker])).toBe(true);
    expect(isOusted(loser, [{ ...taker, preempt: 'tile' }])).toBe(false);
    expect(isOusted(loser, [{ ...taker, priority: 40 }])).toBe(false);
    expect(isOusted(loser, [{ ...taker, studio: 'other' as FarmJob['studio'] }])).toBe(false);
    expect(isOusted(loser, [])).toBe(false);
  });

  it('finishes when it was paused, whoever comes after it', () => {
    expect(isOusted({ ...loser, gate: { kind: 'paused' } }, [taker])).toBe(false);
  });
});
