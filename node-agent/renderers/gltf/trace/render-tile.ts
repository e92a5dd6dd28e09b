/**
 * One tile: every pixel's samples in index order, summed in f64, stored as f32. A pixel's value depends on the scene,
 * the frame's size, the seed and the pixel alone, never on the tile around it.
 */

import { LAYERS, type LayerName, type LayerPixels } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { TileControl } from '../../renderer.js';
import { Camera } from './camera.js';
import type { PathTracer } from './path-tracer.js';
import type { TraceScene } from './trace-scene.js';

/** Depth where a pixel sees no surface; finite, since results with infinities are refused as bad. Film's usual value. */
export const DEPTH_OF_NOTHING = 1e10;
/** Absurd light intensities must not become an infinity. */
const FLOAT32_MAX = 3.4028234663852886e38;
/** Between looks at the cancel flag: at some 2 µs to 20 µs a path, 2 to 20 ms. */
const PATHS_PER_CHECK = 1024;

export interface TracedTile {
  readonly region: Region;
  /** Of the whole frame. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly samples: number;
  readonly seed: number;
  readonly frame: number;
  readonly layers: readonly LayerName[];
}

/**
 * Layers: `beauty` RGBA premultiplied; `albedo` base colour and `normal` world-space shading normal of the first surface,
 * averaged over samples with 0 where there is none; `depth` along the camera's −Z to the closest first surface of the
 * pixel's samples (an average would invent places between near and far), 1e10 where there is none.
 * @throws RENDER_CANCELLED
 */
export function renderTile(
  scene: TraceScene,
  tracer: PathTracer,
  tile: TracedTile,
  control: TileControl,
): LayerPixels[] {
  const { region, samples } = tile;
  const camera = new Camera(scene.camera, tile.widthPx, tile.heightPx);
  const width = regionWidthPx(region);
  const pixels = regionPixels(region);
  const sums = new Float64Array(SUM_COUNT);
  const layers = tile.layers.map((name) => ({
    name,
    data: new Float32Array(pixels * LAYERS[name].channels.length),
  }));
  let pathsToCheck = PATHS_PER_CHECK;
  for (let row = 0; row < regionHeightPx(region); row++) {
    for (let column = 0; column < width; column++) {
      const x = region.x0 + column;
      const y = region.y0 + row;
      tracer.sampler.startPixel(x, y, tile.frame, tile.seed);
      sums.fill(0);
      sums[DEPTH] = DEPTH_OF_NOTHING;
      for (let sample = 0; sample < samples; sample++) {
        tracer.sampler.startSample(sample);
        tracer.trace(camera, x, y);
        addSample(sums, tracer);
        if (--pathsToCheck > 0) continue;
        pathsToCheck = PATHS_PER_CHECK;
        if (control.isCancelled())
          throw new FarmError('RENDER_CANCELLED', 'the tile was cancelled while it rendered');
        // Told by paths: a row of a large tile with many samples may take minutes.
        control.progress((row * width + column + (sample + 1) / samples) / pixels);
      }
      const index = row * width + column;
      for (const layer of layers) storePixel(layer, index, sums, 1 / samples);
    }
    control.progress(((row + 1) * width) / pixels);
  }
  return layers;
}

// Sums of one pixel: beauty RGBA, albedo RGB, normal XYZ, smallest depth.
const BEAUTY = 0;
const ALBEDO = 4;
const NORMAL = 7;
const DEPTH = 10;
const SUM_COUNT = 11;

function addSample(sums: Float64Array, path: PathTracer): void {
  sums[BEAUTY] = sums[BEAUTY]! + path.r;
  sums[BEAUTY + 1] = sums[BEAUTY + 1]! + path.g;
  sums[BEAUTY + 2] = sums[BEAUTY + 2]! + path.b;
  sums[BEAUTY + 3] = sums[BEAUTY + 3]! + path.alpha;
  sums[ALBEDO] = sums[ALBEDO]! + path.albedoR;
  sums[ALBEDO + 1] = sums[ALBEDO + 1]! + path.albedoG;
  sums[ALBEDO + 2] = sums[ALBEDO + 2]! + path.albedoB;
  sums[NORMAL] = sums[NORMAL]! + path.normalX;
  sums[NORMAL + 1] = sums[NORMAL + 1]! + path.normalY;
  sums[NORMAL + 2] = sums[NORMAL + 2]! + path.normalZ;
  if (path.depth > 0 && path.depth < sums[DEPTH]!) sums[DEPTH] = path.depth;
}

function storePixel(layer: LayerPixels, index: number, sums: Float64Array, scale: number): void {
  const data = layer.data;
  switch (layer.name) {
    case 'beauty':
      for (let channel = 0; channel < 4; channel++)
        data[index * 4 + channel] = Math.min(sums[BEAUTY + channel]! * scale, FLOAT32_MAX);
      return;
    case 'albedo':
      for (let channel = 0; channel < 3; channel++)
        data[index * 3 + channel] = sums[ALBEDO + channel]! * scale;
      return;
    case 'normal':
      for (let channel = 0; channel < 3; channel++)
        data[index * 3 + channel] = sums[NORMAL + channel]! * scale;
      return;
    case 'depth':
      data[index] = sums[DEPTH]!;
      return;
  }
}
