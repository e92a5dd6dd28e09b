/** Emissive triangles as a light: a table of powers made once, and a sampler of points on them per thread. */
import type { SceneGeometry, SceneImage, SceneMaterial } from '../scene-description.js';
import type { Sampler } from './sampler.js';
import { sharedFloat32, sharedFloat64, sharedUint32 } from './shared-arrays.js';
import { Surface } from './surface.js';
import { isEmissive, TraceMaterial } from './trace-material.js';
import type { EmitterTable } from './trace-scene.js';

/** Points per triangle, as barycentric weights, at which a textured emitter's power is estimated. */
const PROBES = [
  [1 / 3, 1 / 3],
  [0.1, 0.1],
  [0.8, 0.1],
  [0.1, 0.8],
  [0.45, 0.1],
  [0.1, 0.45],
  [0.45, 0.45],
] as const;

/**
 * Triangles with probabilities in proportion to area × mean luminance × coverage. A triangle whose probes are all black
 * is left out: paths that run into its bright spots still count, with full weight.
 */
export function buildEmitters(
  geometry: SceneGeometry,
  materials: readonly SceneMaterial[],
  images: readonly SceneImage[],
): EmitterTable {
  const emissive = materials.map(isEmissive);
  if (!emissive.includes(true)) {
    return { triangles: sharedUint32(0), cdf: sharedFloat64(0), densityPerM2: sharedFloat32(0) };
  }
  const point = new Surface(
    geometry,
    materials.map((material) => new TraceMaterial(material, images)),
  );
  const densityPerM2 = sharedFloat32(geometry.triangleCount);
  const found: number[] = [];
  const sums: number[] = [];
  let total = 0;
  for (let triangle = 0; triangle < geometry.triangleCount; triangle++) {
    if (!emissive[geometry.materialIds[triangle]!]) continue;
    const luminance = meanLuminance(point, triangle);
    if (!(luminance > 0 && point.areaM2 > 0)) continue;
    total += luminance * point.areaM2;
    found.push(triangle);
    sums.push(total);
    densityPerM2[triangle] = luminance;
  }
  const triangles = sharedUint32(found.length);
  const cdf = sharedFloat64(found.length);
  for (let index = 0; index < found.length; index++) {
    const triangle = found[index]!;
    triangles[index] = triangle;
    cdf[index] = sums[index]! / total;
    densityPerM2[triangle] = densityPerM2[triangle]! / total;
  }
  return { triangles, cdf, densityPerM2 };
}

function meanLuminance(point: Surface, triangle: number): number {
  let sum = 0;
  for (const [u, v] of PROBES) {
    point.locate({ triangle, u, v });
    point.loadEmission();
    sum += point.alpha * (0.2126 * point.emittedR + 0.7152 * point.emittedG + 0.0722 * point.emittedB);
  }
  return sum / PROBES.length;
}

export class EmitterSampler {
  /** Unit direction from the shaded point, and distance in metres. */
  wx = 0.5;
  wy = 0.5;
  wz = 0.5;
  distance = 0.5;
  r = 0.5;
  g = 0.5;
  b = 0.5;
  /** Solid-angle density at the shaded point. */
  pdf = 0.5;
  readonly isEmpty: boolean;
  readonly #table: EmitterTable;
  readonly #point: Surface;
  readonly #at = { triangle: 0, u: 0.5, v: 0.5 };

  constructor(table: EmitterTable, point: Surface) {
    this.#table = table;
    this.#point = point;
    this.isEmpty = table.triangles.length === 0;
  }

  /** Chooses a point on an emitter by the sampler's next pair. @returns false when no light comes from there. */
  sample(sampler: Sampler, from: Surface): boolean {
    const { cdf, triangles, densityPerM2 } = this.#table;
    sampler.draw();
    let low = 0;
    let high = triangles.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cdf[middle]! > sampler.u) high = middle;
      else low = middle + 1;
    }
    const below = low > 0 ? cdf[low - 1]! : 0;
    // What is left of u within the triangle's share is uniform again, and as evenly spread.
    const rest = Math.min(Math.max((sampler.u - below) / (cdf[low]! - below), 0), 1);
    const root = Math.sqrt(rest);
    this.#at.triangle = triangles[low]!;
    this.#at.u = root * (1 - sampler.v);
    this.#at.v = root * sampler.v;
    const point = this.#point;
    point.locate(this.#at);
    const dx = point.px - from.px;
    const dy = point.py - from.py;
    const dz = point.pz - from.pz;
    const squared = dx * dx + dy * dy + dz * dz;
    const distance = Math.sqrt(squared);
    if (!(distance > 0)) return false;
    this.wx = dx / distance;
    this.wy = dy / distance;
    this.wz = dz / distance;
    this.distance = distance;
    let cosine = -(this.wx * point.gx + this.wy * point.gy + this.wz * point.gz);
    if (cosine < 0 && point.material.isDoubleSided) cosine = -cosine;
    if (!(cosine > 1e-9)) return false;
    this.pdf = (densityPerM2[point.triangle]! * squared) / cosine;
    point.loadEmission();
    this.r = point.emittedR * point.alpha;
    this.g = point.emittedG * point.alpha;
    this.b = point.emittedB * point.alpha;
    return this.r + this.g + this.b > 0;
  }

  /** Solid-angle density with which `sample` would choose the point that a ray has hit. */
  pdfOfHit(triangle: number, distance: number, cosine: number): number {
    if (this.isEmpty || !(cosine > 1e-9)) return 0;
    return (this.#table.densityPerM2[triangle]! * distance * distance) / cosine;
  }
}
