import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAYERS, type LayerName } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import { type PlacedTile, stitchTiles } from './stitch.js';

const LAYERS_USED: LayerName[] = ['beauty', 'depth'];

/** Each sample is its own index: a misplaced one shows. */
function wholeFrame(widthPx: number, heightPx: number): LayerSamples[] {
  return LAYERS_USED.map((name) => {
    const { channels, sampleType } = LAYERS[name];
    const length = widthPx * heightPx * channels.length;
    const data = sampleType === 'half' ? new Uint16Array(length) : new Float32Array(length);
    return { name, data: data.map((_: number, index: number) => index % 65_521) };
  });
}

function cut(frame: readonly LayerSamples[], frameWidthPx: number, region: Region): PlacedTile {
  const layers = frame.map(({ name, data }): LayerSamples => {
    const stride = LAYERS[name].channels.length;
    const rows: number[] = [];
    for (let y = region.y0; y < region.y1; y++) {
      const start = (y * frameWidthPx + region.x0) * stride;
      rows.push(...data.subarray(start, start + (region.x1 - region.x0) * stride));
    }
    return { name, data: data instanceof Uint16Array ? Uint16Array.from(rows) : Float32Array.from(rows) };
  });
  return { region, layers };
}

/** Cuts a rectangle into random rectangles, down to `depth` cuts. */
function partition(region: Region, choose: () => number, depth: number): Region[] {
  const isWide = choose() < 0.5;
  const [from, to] = isWide ? [region.x0, region.x1] : [region.y0, region.y1];
  if (depth === 0 || to - from < 2) return [region];
  const at = from + 1 + Math.floor(choose() * (to - from - 1));
  const halves = isWide
    ? [
        { ...region, x1: at },
        { ...region, x0: at },
      ]
    : [
        { ...region, y1: at },
        { ...region, y0: at },
      ];
  return halves.flatMap((half) => partition(half, choose, depth - 1));
}

function errorOf(run: () => unknown): FarmError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FarmError);
    return error as FarmError;
  }
  throw new Error('nothing was thrown');
}

describe('stitch', () => {
  it('any partition, in any order, gives the whole frame', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 6 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (widthPx, heightPx, depth, stream) => {
          const choose = () => stream.next().value as number;
          const whole = wholeFrame(widthPx, heightPx);
          const regions = partition({ x0: 0, y0: 0, x1: widthPx, y1: heightPx }, choose, depth);
          const shuffled = regions.map((region) => ({ region, key: choose() })).sort((a, b) => a.key - b.key);
          const tiles = shuffled.map(({ region }) => cut(whole, widthPx, region));
          expect(stitchTiles({ widthPx, heightPx, layers: LAYERS_USED }, tiles)).toEqual(whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('names the first pixel that no tile covers', () => {
    const whole = wholeFrame(10, 10);
    const tiles = [
      cut(whole, 10, { x0: 0, y0: 0, x1: 10, y1: 4 }),
      cut(whole, 10, { x0: 0, y0: 4, x1: 7, y1: 10 }),
    ];
    const error = errorOf(() => stitchTiles({ widthPx: 10, heightPx: 10, layers: LAYERS_USED }, tiles));
    expect([error.code, error.details]).toEqual(['TILE_MISSING', { x: 7, y: 4 }]);
  });

  it('names the first pixel that two tiles cover', () => {
    const whole = wholeFrame(10, 10);
    const tiles = [
      cut(whole, 10, { x0: 0, y0: 0, x1: 6, y1: 6 }),
      cut(whole, 10, { x0: 3, y0: 5, x1: 10, y1: 10 }),
    ];
    const error = errorOf(() => stitchTiles({ widthPx: 10, heightPx: 10, layers: LAYERS_USED }, tiles));
    expect([error.code, error.details]).toEqual(['TILE_OVERLAP', { x: 3, y: 5 }]);
  });
});
