/**
 * Puts finished tiles together into one frame, by copying rows: bit for bit, several times faster than any image
 * library's composite (docs/adr has the numbers), and able to carry float data, which sharp is not. Pure.
 */
import { LAYERS, type LayerName } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import { invariant } from '#shared/invariant.js';

export interface FrameShape {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly layers: readonly LayerName[];
}

export interface PlacedTile {
  readonly region: Region;
  /** In the frame's order, each `region height × region width × channels`. */
  readonly layers: readonly LayerSamples[];
}

/** A frame while tiles come in. */
export interface FrameInProgress {
  readonly shape: FrameShape;
  readonly layers: readonly LayerSamples[];
  /** One byte per pixel: 1 where a tile has been placed. */
  readonly isCovered: Uint8Array;
}

/**
 * Copies finished tiles into one frame; every pixel must be covered exactly once.
 * @param tiles  may be a generator, so that only one decoded tile is in memory at a time.
 * @returns      the layers, each `frame height × frame width × channels`, row-major, in the layer's sample type.
 * @throws TILE_MISSING, TILE_OVERLAP (first offending pixel, in reading order, in the details).
 * Cost: one pass over the pixels, and one byte per pixel beside the frame.
 */
export function stitchTiles(shape: FrameShape, tiles: Iterable<PlacedTile>): readonly LayerSamples[] {
  const frame = startFrame(shape);
  for (const tile of tiles) placeTile(frame, tile);
  return finishFrame(frame);
}

/** An empty frame, all zero. */
export function startFrame(shape: FrameShape): FrameInProgress {
  const pixels = shape.widthPx * shape.heightPx;
  const layers = shape.layers.map((name): LayerSamples => {
    const samples = pixels * LAYERS[name].channels.length;
    const data = LAYERS[name].sampleType === 'half' ? new Uint16Array(samples) : new Float32Array(samples);
    return { name, data };
  });
  return { shape, layers, isCovered: new Uint8Array(pixels) };
}

/** @throws TILE_OVERLAP, before it has copied anything. */
export function placeTile(frame: FrameInProgress, tile: PlacedTile): void {
  const { region } = tile;
  const { widthPx, heightPx } = frame.shape;
  invariant(
    region.x0 >= 0 && region.y0 >= 0 && region.x1 <= widthPx && region.y1 <= heightPx,
    `tile [${region.x0},${region.x1})x[${region.y0},${region.y1}) lies outside ${widthPx}x${heightPx}`,
  );
  markCovered(frame, region);
  frame.layers.forEach(({ name, data }, index) => {
    const source = tile.layers[index];
    invariant(source?.name === name, `layer ${index} of the tile is not ${name}`);
    copyRows(source.data, data, region, widthPx, LAYERS[name].channels.length);
  });
}

/** @throws TILE_MISSING when a pixel has not been placed. */
export function finishFrame(frame: FrameInProgress): readonly LayerSamples[] {
  const missing = frame.isCovered.indexOf(0);
  if (missing >= 0) {
    const [x, y] = [missing % frame.shape.widthPx, Math.floor(missing / frame.shape.widthPx)];
    throw new FarmError('TILE_MISSING', `no tile covers pixel ${x},${y} of the frame; render it again`, {
      x,
      y,
    });
  }
  return frame.layers;
}

function markCovered(frame: FrameInProgress, region: Region): void {
  const { widthPx } = frame.shape;
  for (let y = region.y0; y < region.y1; y++) {
    const row = frame.isCovered.subarray(y * widthPx + region.x0, y * widthPx + region.x1);
    const taken = row.indexOf(1);
    if (taken < 0) continue;
    const x = region.x0 + taken;
    throw new FarmError('TILE_OVERLAP', `two tiles cover pixel ${x},${y} of the frame; the plan is wrong`, {
      x,
      y,
    });
  }
  for (let y = region.y0; y < region.y1; y++) {
    frame.isCovered.fill(1, y * widthPx + region.x0, y * widthPx + region.x1);
  }
}

function copyRows(
  source: Uint16Array | Float32Array,
  target: Uint16Array | Float32Array,
  region: Region,
  frameWidthPx: number,
  channels: number,
): void {
  const rowSamples = regionWidthPx(region) * channels;
  invariant(
    source.length === rowSamples * regionHeightPx(region) && source.constructor === target.constructor,
    `a tile layer has ${source.length} samples, not ${rowSamples * regionHeightPx(region)}`,
  );
  for (let y = region.y0, from = 0; y < region.y1; y++, from += rowSamples) {
    target.set(source.subarray(from, from + rowSamples), (y * frameWidthPx + region.x0) * channels);
  }
}
