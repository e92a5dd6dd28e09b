/**
 * Light from infinitely far in one thread: looked up by direction and sampled in proportion to its brightness.
 * Equirectangular as in `SceneEnvironment`: u = ½ + atan2(x, −z) ÷ 2π, v = acos(y) ÷ π; bilinear between texel centres.
 */
import type { Sampler } from './sampler.js';
import type { TraceEnvironment } from './trace-scene.js';

export class Environment {
  /** Direction away from the scene, in and out; unit. */
  wx = 0.5;
  wy = 0.5;
  wz = 0.5;
  /** Radiance in that direction. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  /** Solid-angle density with which `sample` chooses the direction; 0 where it never does. */
  pdf = 0.5;
  readonly isBlack: boolean;
  /** A constant environment is best left to the BRDF's own sampling. */
  readonly canSample: boolean;
  readonly #table: TraceEnvironment;

  constructor(table: TraceEnvironment) {
    this.#table = table;
    this.isBlack = table.kind === 'none';
    this.canSample = table.kind === 'table' && table.gridWidth > 0;
    // A fixed radiance for the kinds that have no table.
    const radiance = table.kind === 'constant' ? 1 : 0;
    this.r = radiance;
    this.g = radiance;
    this.b = radiance;
  }

  /** Radiance and pdf of the direction in `w`. */
  lookUp(): void {
    const table = this.#table;
    if (table.kind !== 'table') {
      const radiance = table.kind === 'constant' ? 1 : 0;
      this.r = radiance;
      this.g = radiance;
      this.b = radiance;
      this.pdf = 0;
      return;
    }
    const y = this.wy > 1 ? 1 : Math.max(this.wy, -1);
    this.#lookUpAt(0.5 + Math.atan2(this.wx, -this.wz) / (2 * Math.PI), Math.acos(y) / Math.PI);
  }

  /** Chooses `w` by the sampler's next pair, and looks it up. */
  sample(sampler: Sampler): void {
    const table = this.#table;
    const { gridWidth, gridHeight } = table;
    sampler.draw();
    const row = firstAbove(table.rowCdf, 0, gridHeight, sampler.v);
    const rowLow = row > 0 ? table.rowCdf[row - 1]! : 0;
    const fv = within(sampler.v, rowLow, table.rowCdf[row]!);
    const base = row * gridWidth;
    const column = firstAbove(table.cellCdf, base, gridWidth, sampler.u);
    const columnLow = column > 0 ? table.cellCdf[base + column - 1]! : 0;
    const fu = within(sampler.u, columnLow, table.cellCdf[base + column]!);
    const u = (column + fu) / gridWidth;
    const v = (row + fv) / gridHeight;
    const phi = (u - 0.5) * 2 * Math.PI;
    const theta = v * Math.PI;
    const sine = Math.sin(theta);
    this.wx = Math.sin(phi) * sine;
    this.wy = Math.cos(theta);
    this.wz = -Math.cos(phi) * sine;
    this.#lookUpAt(u, v);
  }

  #lookUpAt(u: number, v: number): void {
    const table = this.#table;
    const { widthPx, heightPx, data } = table;
    const x = u * widthPx - 0.5;
    const y = v * heightPx - 0.5;
    const left = Math.floor(x);
    const above = Math.floor(y);
    const fx = x - left;
    const fy = y - above;
    // Around the horizon the table closes on itself; at the poles its last row stays.
    const x0 = left < 0 ? widthPx - 1 : left >= widthPx ? 0 : left;
    const x1 = x0 + 1 >= widthPx ? 0 : x0 + 1;
    const y0 = above < 0 ? 0 : above >= heightPx ? heightPx - 1 : above;
    const y1 = above + 1 >= heightPx ? heightPx - 1 : above + 1;
    const p = (y0 * widthPx + x0) * 3;
    const q = (y0 * widthPx + x1) * 3;
    const r = (y1 * widthPx + x0) * 3;
    const s = (y1 * widthPx + x1) * 3;
    const wp = (1 - fx) * (1 - fy);
    const wq = fx * (1 - fy);
    const wr = (1 - fx) * fy;
    const ws = fx * fy;
    this.r = data[p]! * wp + data[q]! * wq + data[r]! * wr + data[s]! * ws;
    this.g = data[p + 1]! * wp + data[q + 1]! * wq + data[r + 1]! * wr + data[s + 1]! * ws;
    this.b = data[p + 2]! * wp + data[q + 2]! * wq + data[r + 2]! * wr + data[s + 2]! * ws;
    this.#densityAt(u, v);
  }

  #densityAt(u: number, v: number): void {
    const table = this.#table;
    const { gridWidth, gridHeight } = table;
    const sine = Math.sin(v * Math.PI);
    if (gridWidth === 0 || !(sine > 1e-9)) {
      this.pdf = 0;
      return;
    }
    const column = Math.min((u * gridWidth) | 0, gridWidth - 1);
    const row = Math.min((v * gridHeight) | 0, gridHeight - 1);
    const at = row * gridWidth + column;
    const rowChance = table.rowCdf[row]! - (row > 0 ? table.rowCdf[row - 1]! : 0);
    const cellChance = table.cellCdf[at]! - (column > 0 ? table.cellCdf[at - 1]! : 0);
    this.pdf = (rowChance * cellChance * gridWidth * gridHeight) / (2 * Math.PI * Math.PI * sine);
  }
}

/** First index in `[0, length)` whose value exceeds `x`. */
function firstAbove(cdf: Float32Array, base: number, length: number, x: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cdf[base + middle]! > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

function within(x: number, low: number, high: number): number {
  const ratio = high > low ? (x - low) / (high - low) : 0.5;
  return ratio < 0 ? 0 : Math.min(ratio, 0.999999);
}
