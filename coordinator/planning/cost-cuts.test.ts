import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { regionPixels } from '#shared/domain/region.js';
import { cutByCost } from './cost-cuts.js';
import { type CostMap, costMap, regionCosts } from './cost-map.js';
import { makespan } from './makespan.js';
import { tileGrid } from './tile-grid.js';
import { tileTarget } from './tile-target.js';

const side = fc.integer({ min: 1, max: 300 });

/** Costs of a grid of tiles as they come: some nothing, some a thousand times the others. */
const anyMap = fc
  .record({
    widthPx: side,
    heightPx: side,
    tilePx: fc.integer({ min: 8, max: 128 }),
    costs: fc.array(
      fc.oneof(fc.constant(0), fc.double({ min: 0, max: 10, noNaN: true }), fc.constant(5_000)),
      {
        minLength: 1,
        maxLength: 64,
      },
    ),
  })
  .map(({ widthPx, heightPx, tilePx, costs }) => {
    const frame = { widthPx, heightPx };
    const grid = tileGrid(frame, { tileWidthPx: tilePx, tileHeightPx: tilePx });
    const tiles = Array.from({ length: grid.count }, (_, tile) => ({
      region: grid.regionOfTile(tile),
      ms: costs[tile % costs.length]!,
    }));
    return { frame, tiles, map: costMap(frame, tiles) };
  });

describe('a cost map', () => {
  it('gives every tile back what it cost, and the frame the sum', () => {
    fc.assert(
      fc.property(anyMap, ({ tiles, map }) => {
        const sum = tiles.reduce((total, { ms }) => total + ms, 0);
        if (sum === 0) expect(map).toBeUndefined();
        else expect(regionCosts(map!).totalMs).toBeCloseTo(sum, 3);
      }),
      { numRuns: 100 },
    );
    const frame = { widthPx: 64, heightPx: 32 };
    const [left, right] = [
      { x0: 0, y0: 0, x1: 32, y1: 32 },
      { x0: 32, y0: 0, x1: 64, y1: 32 },
    ];
    const tiles = [left, right].map((region, index) => ({ region, ms: 100 + 200 * index }));
    const costs = regionCosts(costMap(frame, tiles)!);
    expect(costs.of(left)).toBeCloseTo(100);
    expect(costs.of({ ...right, x1: 48 })).toBeCloseTo(150);
  });

  it('takes what was not rendered for as dear as the rest', () => {
    const frame = { widthPx: 64, heightPx: 64 };
    const map = costMap(frame, [{ region: { x0: 0, y0: 0, x1: 32, y1: 32 }, ms: 10 }])!;
    expect(regionCosts(map).totalMs).toBeCloseTo(40);
  });
});

describe('cuts by cost', () => {
  it('cover each pixel exactly once, whatever the costs, the slots and the order', () => {
    fc.assert(
      fc.property(
        anyMap,
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom('rows' as const, 'spiral' as const),
        fc.integer({ min: 16, max: 300 }),
        ({ frame, map }, slots, order, sidePxMax) => {
          if (!map) return;
          const costs = regionCosts(map);
          const target = tileTarget(costs.totalMs, slots, 0.1);
          const tiles = cutByCost({ frame, costs, target, slots, sidePxMax, order });
          const covered = new Uint8Array(frame.widthPx * frame.heightPx);
          for (const { region } of tiles)
            for (let y = region.y0; y < region.y1; y++)
              for (let x = region.x0; x < region.x1; x++) covered[y * frame.widthPx + x]!++;
          expect(covered.every((count) => count === 1)).toBe(true);
          expect(tiles.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(costs.totalMs, 2);
          for (const { region } of tiles) {
            expect(region.x1 - region.x0).toBeGreaterThanOrEqual(Math.min(8, frame.widthPx));
            expect(region.y1 - region.y0).toBeGreaterThanOrEqual(Math.min(8, frame.heightPx));
            expect(Math.max(region.x1 - region.x0, region.y1 - region.y0)).toBeLessThanOrEqual(sidePxMax);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('bring a skewed frame to within 3 % of the ideal, overheads included, where a grid is far off', () => {
    const frame = { widthPx: 1920, heightPx: 1080 };
    const map = spotMap(frame);
    const costs = regionCosts(map);
    const overheadMs = 3;
    for (const slots of [8, 32, 128]) {
      const target = tileTarget(costs.totalMs, slots, overheadMs);
      const tiles = cutByCost({ frame, costs, target, slots, sidePxMax: 1024, order: 'rows' });
      const ideal = costs.totalMs / slots;
      const ours = makespan(
        tiles.map(({ ms }) => ms + overheadMs),
        slots,
      );
      expect(ours / ideal).toBeLessThan(1.03);
      const grid = tileGrid(frame, { tileWidthPx: 256, tileHeightPx: 256 });
      const ofGrid = Array.from({ length: grid.count }, (_, tile) => costs.of(grid.regionOfTile(tile)));
      expect(makespan(ofGrid, slots) / ideal).toBeGreaterThan(1.2);
      expect(tiles.length * overheadMs).toBeLessThan(0.02 * costs.totalMs);
    }
  });

  it('are in a spiral where that is asked for, but for the small tiles', () => {
    const frame = { widthPx: 640, heightPx: 640 };
    const costs = regionCosts(costMap(frame, [{ region: { x0: 0, y0: 0, x1: 640, y1: 640 }, ms: 1e6 }])!);
    const target = tileTarget(costs.totalMs, 8, 3);
    const tiles = cutByCost({ frame, costs, target, slots: 8, sidePxMax: 1024, order: 'spiral' });
    const first = tiles
      .slice(0, 8)
      .map(({ region }) => Math.hypot(region.x0 + region.x1 - 640, region.y0 + region.y1 - 640));
    expect(Math.max(...first)).toBeLessThan(400);
    expect(tiles.at(-1)!.ms).toBe(Math.min(...tiles.map(({ ms }) => ms)));
    expect(regionPixels(tiles[0]!.region)).toBeGreaterThan(regionPixels(tiles.at(-1)!.region));
  });
});

/** Eight minutes of one core: a fifth of them in a hundredth of the frame. */
function spotMap(frame: { widthPx: number; heightPx: number }): CostMap {
  const grid = tileGrid(frame, { tileWidthPx: 16, tileHeightPx: 16 });
  const tiles = Array.from({ length: grid.count }, (_, tile) => {
    const region = grid.regionOfTile(tile);
    const distance = Math.hypot(region.x0 - 1400, region.y0 - 300);
    return { region, ms: 50 + 1_000 * Math.exp(-((distance / 90) ** 2)) };
  });
  return costMap(frame, tiles)!;
}
