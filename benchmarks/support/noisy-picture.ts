/** A picture that compresses like a rendered one: smooth light with a path tracer's noise on it. Always the same. */

import { tileGrid } from '#coordinator/planning/tile-grid.js';
import type { Region } from '#shared/domain/region.js';
import { regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { encodeTile } from '#shared/image/tile-codec.js';

export interface Picture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** RGBA, opaque, scene-linear, row-major. */
  readonly data: Float32Array;
}

/** About what 64 samples per pixel leave on a diffuse wall. */
const NOISE = 0.05;

export function noisyPicture(widthPx: number, heightPx: number): Picture {
  const data = new Float32Array(widthPx * heightPx * 4);
  let seed = 1;
  for (let y = 0, index = 0; y < heightPx; y++) {
    for (let x = 0; x < widthPx; x++) {
      const light = 0.5 + 0.4 * Math.sin(x / 97) * Math.cos(y / 71);
      for (let channel = 0; channel < 3; channel++, index++) {
        // xorshift32 (Marsaglia 2003)
        seed ^= seed << 13;
        seed ^= seed >>> 17;
        seed ^= seed << 5;
        data[index] = light * (0.6 + 0.2 * channel) * (1 + NOISE * (seed / 2 ** 31));
      }
      data[index++] = 1;
    }
  }
  return { widthPx, heightPx, data };
}

/** The picture as agents would send it. */
export function encodedTiles(picture: Picture, tilePx: number) {
  const grid = tileGrid(picture, { tileWidthPx: tilePx, tileHeightPx: tilePx });
  return Array.from({ length: grid.count }, (_, tile) => {
    const region = grid.regionOfTile(tile);
    const data = cut(picture, region);
    return {
      tile,
      region,
      bytes: encodeTile([{ name: 'beauty', data }], regionWidthPx(region), regionHeightPx(region)),
    };
  });
}

function cut({ data, widthPx }: Picture, region: Region): Float32Array {
  const rowLength = regionWidthPx(region) * 4;
  const out = new Float32Array(rowLength * regionHeightPx(region));
  for (let y = region.y0, to = 0; y < region.y1; y++, to += rowLength) {
    const from = (y * widthPx + region.x0) * 4;
    out.set(data.subarray(from, from + rowLength), to);
  }
  return out;
}
