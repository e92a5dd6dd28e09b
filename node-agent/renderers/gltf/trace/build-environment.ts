/** The environment's table and its sampling grid; the built-in sky is baked into such a table as well. */
import type { SceneEnvironment } from '../scene-description.js';
import { sharedFloat32 } from './shared-arrays.js';
import { skyTable } from './sky.js';
import type { TraceEnvironment } from './trace-scene.js';

/** Finer grids than this cost cache misses and find no more light. */
const GRID_WIDTH_MAX = 1024;
const GRID_HEIGHT_MAX = 512;

export function buildEnvironment(environment: SceneEnvironment): TraceEnvironment {
  switch (environment.kind) {
    case 'none':
      return withoutTable('none');
    case 'white':
      return withoutTable('constant');
    case 'sky': {
      const sky = skyTable();
      return withGrid(sky.widthPx, sky.heightPx, sky.data);
    }
    case 'image':
      return withGrid(environment.widthPx, environment.heightPx, environment.data);
  }
}

function withoutTable(kind: 'none' | 'constant'): TraceEnvironment {
  const empty = sharedFloat32(0);
  const noGrid = { gridWidth: 0, gridHeight: 0, rowCdf: empty, cellCdf: empty };
  return { kind, widthPx: 0, heightPx: 0, data: empty, ...noGrid };
}

/**
 * Cells weigh luminance × sin θ, over their texels and the neighbours that bilinear lookup blends in, so that no
 * direction with light has density 0.
 */
function withGrid(widthPx: number, heightPx: number, data: Float32Array): TraceEnvironment {
  const gridWidth = Math.min(widthPx, GRID_WIDTH_MAX);
  const gridHeight = Math.min(heightPx, GRID_HEIGHT_MAX);
  const cellCdf = sharedFloat32(gridWidth * gridHeight);
  const rowCdf = sharedFloat32(gridHeight);
  const rowSums = new Float64Array(gridHeight);
  let total = 0;
  for (let row = 0; row < gridHeight; row++) {
    const y0 = Math.floor((row * heightPx) / gridHeight) - 1;
    const y1 = Math.ceil(((row + 1) * heightPx) / gridHeight) + 1;
    const sine = Math.sin((Math.PI * (row + 0.5)) / gridHeight);
    const sums = new Float64Array(gridWidth);
    let sum = 0;
    for (let column = 0; column < gridWidth; column++) {
      const x0 = Math.floor((column * widthPx) / gridWidth) - 1;
      const x1 = Math.ceil(((column + 1) * widthPx) / gridWidth) + 1;
      sum += meanLuminance(widthPx, heightPx, data, x0, x1, y0, y1) * sine;
      sums[column] = sum;
    }
    for (let column = 0; column < gridWidth; column++) {
      cellCdf[row * gridWidth + column] = sum > 0 ? sums[column]! / sum : (column + 1) / gridWidth;
    }
    total += sum;
    rowSums[row] = total;
  }
  // A black picture has nothing to sample.
  if (!(total > 0)) return { ...withoutTable('none'), kind: 'table', widthPx, heightPx, data };
  for (let row = 0; row < gridHeight; row++) rowCdf[row] = rowSums[row]! / total;
  return { kind: 'table', widthPx, heightPx, data, gridWidth, gridHeight, rowCdf, cellCdf };
}

function meanLuminance(
  widthPx: number,
  heightPx: number,
  data: Float32Array,
  x0: number,
  x1: number,
  y0: number,
  y1: number,
): number {
  let sum = 0;
  for (let y = y0; y < y1; y++) {
    const row = Math.min(Math.max(y, 0), heightPx - 1);
    for (let x = x0; x < x1; x++) {
      const at = (row * widthPx + ((x + widthPx) % widthPx)) * 3;
      sum += 0.2126 * data[at]! + 0.7152 * data[at + 1]! + 0.0722 * data[at + 2]!;
    }
  }
  return sum / ((x1 - x0) * (y1 - y0));
}
