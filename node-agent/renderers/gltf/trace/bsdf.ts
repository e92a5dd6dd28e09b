/**
 * glTF's metal-rough material as a BRDF that loses no energy: GGX with height-correlated Smith shadowing, sampled by
 * visible normals, plus what microfacets scatter more than once; under a dielectric's coat a diffuse base that gets
 * exactly what the coat lets through. In a white furnace a white object is therefore white at any roughness.
 *
 * A consequence: a rough dielectric of base colour a facing the light returns a little less diffuse light than aE/π (the
 * coat keeps its 4 % or so) plus the coat's own reflection.
 * Sources: glTF 2.0 appendix B; Heitz 2018 (visible normals); Dupuy & Benyoub, "Sampling Visible GGX Normals with
 * Spherical Caps" (2023); Turquin, "Practical multiple scattering compensation for microfacet models" (2019).
 */
import { alphaOfRoughness, GGX_TABLE_SIZE } from './ggx-albedo.js';
import type { Sampler } from './sampler.js';
import type { Surface } from './surface.js';

/** Reflectance at normal incidence of a dielectric of index 1.5, as glTF fixes it. */
const DIELECTRIC_F0 = 0.04;

export class Bsdf {
  /** Direction towards the light, in and out; unit. */
  wx = 0.5;
  wy = 0.5;
  wz = 0.5;
  /** After `evaluate`: BRDF × cosine. After `sample`: the same ÷ pdf. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  /** Solid-angle density with which `sample` chooses the direction. */
  pdf = 0.5;
  /** After `sample`: the GGX alpha of the lobe that was chosen, 1 for diffuse. */
  sampledAlpha = 0.5;

  // Direction to the viewer and shading normal, world space.
  #vx = 0.5;
  #vy = 0.5;
  #vz = 0.5;
  #nx = 0.5;
  #ny = 0.5;
  #nz = 0.5;
  #cosO = 0.5;
  #alpha = 0.5;
  #alpha2 = 0.5;
  #rootO = 0.5;
  // Specular colour = s + t × (1 − cos θd)⁵; diffuse colour already ÷ π.
  #sr = 0.5;
  #sg = 0.5;
  #sb = 0.5;
  #tr = 0.5;
  #tg = 0.5;
  #tb = 0.5;
  #dr = 0.5;
  #dg = 0.5;
  #db = 0.5;
  #specularChance = 0.5;
  readonly #table: Float32Array;
  #albedoScale = 0.5;
  #albedoBias = 0.5;

  constructor(ggxAlbedo: Float32Array) {
    this.#table = ggxAlbedo;
  }

  /**
   * Takes a surface whose normal faces the viewer. `viewer` is minus the ray's direction.
   * `alphaMin` widens narrow lobes, which moves light but loses none.
   */
  setUp(
    surface: Surface,
    viewer: { readonly dx: number; readonly dy: number; readonly dz: number },
    alphaMin: number,
  ): void {
    const alpha = Math.max(alphaOfRoughness(surface.roughness), alphaMin);
    this.#vx = -viewer.dx;
    this.#vy = -viewer.dy;
    this.#vz = -viewer.dz;
    this.#nx = surface.nx;
    this.#ny = surface.ny;
    this.#nz = surface.nz;
    const cosO = this.#vx * this.#nx + this.#vy * this.#ny + this.#vz * this.#nz;
    this.#cosO = cosO < 1e-6 ? 1e-6 : Math.min(cosO, 1);
    this.#alpha = alpha;
    this.#alpha2 = alpha * alpha;
    this.#rootO = Math.sqrt(this.#alpha2 + (1 - this.#alpha2) * this.#cosO * this.#cosO);
    this.#lookUpAlbedo();
    this.#mixLobes(surface);
  }

  #mixLobes(surface: Surface): void {
    const m = surface.metallic;
    const scale = this.#albedoScale;
    const bias = this.#albedoBias;
    const again = (1 - scale) / scale;
    const coat = (1 - m) * (1 + DIELECTRIC_F0 * again);
    const coatS = coat * DIELECTRIC_F0;
    const coatT = coat * (1 - DIELECTRIC_F0);
    const base =
      (1 - m) * (1 - (1 + DIELECTRIC_F0 * again) * (DIELECTRIC_F0 * scale + (1 - DIELECTRIC_F0) * bias));
    const { r, g, b } = surface;
    const metalR = m * (1 + r * again);
    const metalG = m * (1 + g * again);
    const metalB = m * (1 + b * again);
    this.#sr = coatS + metalR * r;
    this.#sg = coatS + metalG * g;
    this.#sb = coatS + metalB * b;
    this.#tr = coatT + metalR * (1 - r);
    this.#tg = coatT + metalG * (1 - g);
    this.#tb = coatT + metalB * (1 - b);
    this.#dr = (base * r) / Math.PI;
    this.#dg = (base * g) / Math.PI;
    this.#db = (base * b) / Math.PI;
    const specular = (this.#sr + this.#sg + this.#sb) * scale + (this.#tr + this.#tg + this.#tb) * bias;
    const diffuse = base * (r + g + b);
    this.#specularChance = diffuse > 0 ? specular / (specular + diffuse) : 1;
  }

  /** Bilinear in the table. */
  #lookUpAlbedo(): void {
    const last = GGX_TABLE_SIZE - 1;
    const x = Math.sqrt(this.#cosO) * last;
    const y = Math.min(Math.sqrt(this.#alpha), 1) * last;
    const x0 = x >= last ? last - 1 : x | 0;
    const y0 = y >= last ? last - 1 : y | 0;
    const fx = x - x0;
    const fy = y - y0;
    const table = this.#table;
    const p = (y0 * GGX_TABLE_SIZE + x0) * 2;
    const q = p + GGX_TABLE_SIZE * 2;
    this.#albedoScale =
      (table[p]! * (1 - fx) + table[p + 2]! * fx) * (1 - fy) +
      (table[q]! * (1 - fx) + table[q + 2]! * fx) * fy;
    this.#albedoBias =
      (table[p + 1]! * (1 - fx) + table[p + 3]! * fx) * (1 - fy) +
      (table[q + 1]! * (1 - fx) + table[q + 3]! * fx) * fy;
  }

  /** BRDF × cosine and pdf for the direction in `w`; zero below the shading horizon. */
  evaluate(): void {
    const cosI = this.wx * this.#nx + this.wy * this.#ny + this.wz * this.#nz;
    if (cosI <= 0) {
      this.r = 0;
      this.g = 0;
      this.b = 0;
      this.pdf = 0;
      return;
    }
    let hx = this.wx + this.#vx;
    let hy = this.wy + this.#vy;
    let hz = this.wz + this.#vz;
    const length = Math.sqrt(hx * hx + hy * hy + hz * hz);
    hx /= length;
    hy /= length;
    hz /= length;
    const cosH = Math.min(hx * this.#nx + hy * this.#ny + hz * this.#nz, 1);
    const cosD = Math.min(hx * this.#vx + hy * this.#vy + hz * this.#vz, 1);
    const cosO = this.#cosO;
    const alpha2 = this.#alpha2;
    // 1 − cos² × (1 − α²), written so that narrow lobes keep their digits.
    const spread = alpha2 * cosH * cosH + (1 - cosH) * (1 + cosH);
    const density = alpha2 / (Math.PI * spread * spread);
    const rootI = Math.sqrt(alpha2 + (1 - alpha2) * cosI * cosI);
    const ggx = (density * 0.5 * cosI) / (cosI * this.#rootO + cosO * rootI);
    const grazing = 1 - cosD;
    const grazing2 = grazing * grazing;
    const schlick = grazing2 * grazing2 * grazing;
    this.r = ggx * (this.#sr + this.#tr * schlick) + this.#dr * cosI;
    this.g = ggx * (this.#sg + this.#tg * schlick) + this.#dg * cosI;
    this.b = ggx * (this.#sb + this.#tb * schlick) + this.#db * cosI;
    const specularPdf = density / (2 * (cosO + this.#rootO));
    this.pdf = this.#specularChance * specularPdf + (1 - this.#specularChance) * cosI * (1 / Math.PI);
  }

  /** Chooses `w` by the sampler's next two pairs. @returns false when the direction fell below the horizon. */
  sample(sampler: Sampler): boolean {
    sampler.draw();
    const isSpecular = sampler.u < this.#specularChance;
    sampler.draw();
    this.sampledAlpha = isSpecular ? this.#alpha : 1;
    if (isSpecular) this.#sampleSpecular(sampler);
    else this.#sampleDiffuse(sampler);
    this.evaluate();
    if (!(this.pdf > 0)) return false;
    const scale = 1 / this.pdf;
    this.r *= scale;
    this.g *= scale;
    this.b *= scale;
    return true;
  }

  #sampleDiffuse(sampler: Sampler): void {
    const phi = 2 * Math.PI * sampler.v;
    const radius = Math.sqrt(sampler.u);
    this.#toWorld(radius * Math.cos(phi), radius * Math.sin(phi), Math.sqrt(1 - sampler.u));
  }

  /** A visible normal in the plane of viewer and normal, then the mirror direction about it. */
  #sampleSpecular(sampler: Sampler): void {
    const alpha = this.#alpha;
    const frame = this.#frame();
    // The viewer in the frame of the normal, stretched to the hemisphere configuration.
    const ox = this.#vx * frame.tx + this.#vy * frame.ty + this.#vz * frame.tz;
    const oy = this.#vx * frame.bx + this.#vy * frame.by + this.#vz * frame.bz;
    const oz = this.#cosO;
    const norm = Math.sqrt(alpha * alpha * (ox * ox + oy * oy) + oz * oz);
    const vx = (alpha * ox) / norm;
    const vy = (alpha * oy) / norm;
    const vz = oz / norm;
    const phi = 2 * Math.PI * sampler.u;
    const z = (1 - sampler.v) * (1 + vz) - vz;
    const ring = Math.sqrt(Math.max(0, 1 - z * z));
    let hx = alpha * (ring * Math.cos(phi) + vx);
    let hy = alpha * (ring * Math.sin(phi) + vy);
    let hz = Math.max(z + vz, 0);
    const length = Math.sqrt(hx * hx + hy * hy + hz * hz);
    hx /= length;
    hy /= length;
    hz /= length;
    const twice = 2 * (ox * hx + oy * hy + oz * hz);
    this.#toWorld(twice * hx - ox, twice * hy - oy, twice * hz - oz);
  }

  readonly #basis = new Basis();

  #frame(): Basis {
    this.#basis.around(this.#nx, this.#ny, this.#nz);
    return this.#basis;
  }

  #toWorld(x: number, y: number, z: number): void {
    const frame = this.#frame();
    const wx = frame.tx * x + frame.bx * y + this.#nx * z;
    const wy = frame.ty * x + frame.by * y + this.#ny * z;
    const wz = frame.tz * x + frame.bz * y + this.#nz * z;
    const length = Math.sqrt(wx * wx + wy * wy + wz * wz);
    this.wx = wx / length;
    this.wy = wy / length;
    this.wz = wz / length;
  }
}

/** Two unit vectors that with a given normal form a right-handed frame. Source: Duff et al., JCGT 2017. */
class Basis {
  tx = 0.5;
  ty = 0.5;
  tz = 0.5;
  bx = 0.5;
  by = 0.5;
  bz = 0.5;

  around(x: number, y: number, z: number): void {
    const sign = z < 0 ? -1 : 1;
    const a = -1 / (sign + z);
    const b = x * y * a;
    this.tx = 1 + sign * x * x * a;
    this.ty = sign * b;
    this.tz = -sign * x;
    this.bx = b;
    this.by = sign + y * y * a;
    this.bz = -y;
  }
}
