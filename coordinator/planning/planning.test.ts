import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '#shared/limits.js';
import { tileGrid } from './tile-grid.js';
import { tileSize } from './tile-size.js';

const side = fc.integer({ min: 1, max: 97 });

describe('a tile grid', () => {
  it('covers each pixel exactly once, in rows from the top left', () => {
    fc.assert(
      fc.property(side, side, side, side, (widthPx, heightPx, tileWidthPx, tileHeightPx) => {
        const grid = tileGrid({ widthPx, heightPx }, { tileWidthPx, tileHeightPx });
        const covered = new Uint8Array(widthPx * heightPx);
        let last = -1;
        for (let index = 0; index < grid.count; index++) {
          const region = grid.regionOfTile(index);
          expect(region.y0 * widthPx + region.x0).toBeGreaterThan(last);
          last = region.y0 * widthPx + region.x0;
          for (let y = region.y0; y < region.y1; y++)
            for (let x = region.x0; x < region.x1; x++) covered[y * widthPx + x]!++;
        }
        expect(covered.every((count) => count === 1)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a tile size', () => {
  const frame = { widthPx: 1920, heightPx: 1080, samples: 64, slots: 0, frames: 1, renderer: 'gltf' };

  it('is what was asked for, and at most the frame', () => {
    expect(tileSize('128', frame)).toEqual({ tileWidthPx: 128, tileHeightPx: 128 });
    expect(tileSize('256x128', frame)).toEqual({ tileWidthPx: 256, tileHeightPx: 128 });
    expect(tileSize('37x53', frame)).toEqual({ tileWidthPx: 37, tileHeightPx: 53 });
    expect(tileSize('4096', frame)).toEqual({ tileWidthPx: 1920, tileHeightPx: 1080 });
    expect(tileSize('16', { ...frame, widthPx: 5, heightPx: 3 })).toEqual({
      tileWidthPx: 5,
      tileHeightPx: 3,
    });
  });

  it.each(['', '0', '7', 'x128', '128x', '-128', '1e3', '128x128x128', '99999x1', 'Auto', '128 '])(
    'refuses "%s" in one line that says what is allowed',
    (text) => {
      expect(() => tileSize(text, frame)).toThrow(/^tile ".*": .*px/);
    },
  );

  it('refuses more tiles than a frame may have', () => {
    expect(() => tileSize('8', { ...frame, widthPx: 8192, heightPx: 8192 })).toThrow(/take larger tiles/);
  });

  it('chosen by the farm stays within its bounds, whatever the frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: LIMITS.frameSidePxMax }),
        fc.integer({ min: 1, max: 4096 }),
        fc.integer({ min: 1, max: LIMITS.samplesMax }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom('gltf', 'blender'),
        (widthPx, heightPx, samples, slots, frames, renderer) => {
          const size = tileSize('auto', { widthPx, heightPx, samples, slots, frames, renderer });
          const grid = tileGrid({ widthPx, heightPx }, size);
          expect(grid.count).toBeLessThanOrEqual(LIMITS.tilesPerFrameMax);
          expect(size.tileWidthPx).toBeGreaterThanOrEqual(Math.min(32, widthPx));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('gets smaller with more samples and with more slots', () => {
    const few = tileSize('auto', { ...frame, samples: 4 });
    const many = tileSize('auto', { ...frame, samples: 256 });
    const shared = tileSize('auto', { ...frame, samples: 4, slots: 64 });
    expect(many.tileWidthPx).toBeLessThan(few.tileWidthPx);
    expect(shared.tileWidthPx).toBeLessThan(few.tileWidthPx);
  });

  it('is large where tiles are dear, and there a job of many frames is not cut for its slots', () => {
    const blender = { ...frame, widthPx: 480, heightPx: 270, samples: 16, slots: 2, renderer: 'blender' };
    expect(tileSize('auto', { ...blender, frames: 24 })).toEqual({ tileWidthPx: 480, tileHeightPx: 270 });
    expect(tileSize('auto', blender).tileWidthPx).toBeLessThan(200);
    const heavy = tileSize('auto', { ...blender, widthPx: 1920, heightPx: 1080, samples: 256, frames: 24 });
    expect(heavy.tileWidthPx).toBeLessThan(200);
  });
});
