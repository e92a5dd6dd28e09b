import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { heapLimits, memoryMessage, processMemoryBytesMax, slotMemoryBytes } from './slot-memory.js';

const GIB = 1024 ** 3;

test('slots share the machine without 1 GiB, unless they are given something else', () => {
  expect(slotMemoryBytes(0, 4)).toBeLessThanOrEqual(totalmem() / 4);
  expect(slotMemoryBytes(0, 4)).toBeGreaterThan(slotMemoryBytes(0, 8));
  expect(slotMemoryBytes(0, 1_000_000)).toBe(32 * 1024 ** 2);
  expect(slotMemoryBytes(3 * GIB, 4)).toBe(3 * GIB);
});

test('a slot in which nothing could be rendered is refused', () => {
  expect(() => slotMemoryBytes(1024, 4)).toThrow(/--slot-memory: 1024 bytes .* 32 MiB or more/);
});

test('the process may have its slots, what they share and 1 GiB, and never the whole machine', () => {
  expect(processMemoryBytesMax(2, 1000, 500)).toBe(Math.min(GIB + 2500, 0.9 * totalmem()));
  expect(processMemoryBytesMax(1000, 1024 * GIB, 0)).toBeLessThan(totalmem());
});

test('a slot has its limit before its JS heap has', () => {
  expect(heapLimits(GIB).maxOldGenerationSizeMb).toBe(2048);
  expect(memoryMessage('its slot', 3 * GIB, GIB)).toBe(
    'its slot used 3 GiB of memory, the limit is 1 GiB (--slot-memory of the agent)',
  );
});
