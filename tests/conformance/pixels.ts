/** Tilings of the small frame that all renderers are tested with, and comparisons bit for bit. */
import { LAYERS, type LayerPixels } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';

export const WIDTH_PX = 48;
export const HEIGHT_PX = 32;
export const WHOLE: Region = { x0: 0, y0: 0, x1: WIDTH_PX, y1: HEIGHT_PX };

/** Row by row. */
export function tilesOf(widthPx: number, heightPx: number): Region[] {
  const tiles: Region[] = [];
  for (let y0 = 0; y0 < HEIGHT_PX; y0 += heightPx)
    for (let x0 = 0; x0 < WIDTH_PX; x0 += widthPx)
      tiles.push({
        x0,
        y0,
        x1: Math.min(WIDTH_PX, x0 + widthPx),
        y1: Math.min(HEIGHT_PX, y0 + heightPx),
      });
  return tiles;
}

/** The region of a whole frame's layers. */
export function cut(whole: readonly LayerPixels[], region: Region): LayerPixels[] {
  return whole.map(({ name, data }) => {
    const channels = LAYERS[name].channels.length;
    const rowLength = regionWidthPx(region) * channels;
    const part = new Float32Array(regionPixels(region) * channels);
    for (let row = 0; row < regionHeightPx(region); row++) {
      const from = ((region.y0 + row) * WIDTH_PX + region.x0) * channels;
      part.set(data.subarray(from, from + rowLength), row * rowLength);
    }
    return { name, data: part };
  });
}

/** @returns what differs first, for people; undefined: nothing, not even a sign of zero. */
export function difference(
  actual: readonly LayerPixels[],
  expected: readonly LayerPixels[],
  region: Region,
): string | undefined {
  const where = `tile ${region.x0},${region.y0} to ${region.x1},${region.y1}`;
  const names = (layers: readonly LayerPixels[]) => layers.map(({ name }) => name).join(', ');
  if (names(actual) !== names(expected))
    return `${where}: layers ${names(actual)} instead of ${names(expected)}`;
  for (const [index, { name, data }] of expected.entries()) {
    const other = actual[index]!.data;
    if (other.length !== data.length)
      return `${where}: ${name} has ${other.length} numbers, not ${data.length}`;
    const [bits, otherBits] = [bitsOf(data), bitsOf(other)];
    const at = bits.findIndex((value, position) => value !== otherBits[position]);
    if (at < 0) continue;
    const pixel = Math.floor(at / LAYERS[name].channels.length);
    const [x, y] = [pixel % regionWidthPx(region), Math.floor(pixel / regionWidthPx(region))];
    return `${where}: ${name} differs first at pixel ${region.x0 + x},${region.y0 + y}: ${other[at]}, not ${data[at]}`;
  }
  return undefined;
}

const bitsOf = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);
