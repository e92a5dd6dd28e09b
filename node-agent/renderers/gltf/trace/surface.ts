/**
 * A point on a triangle with everything that shading needs: normals, material parameters, what it emits, how much of it
 * is there (alpha). One object per thread, filled in place for each hit.
 */
import type { SceneGeometry } from '../scene-description.js';
import { ALPHA_BLEND, ALPHA_MASK, ALPHA_OPAQUE, type TraceMaterial } from './trace-material.js';

export class Surface {
  triangle = 0;
  material: TraceMaterial;
  /** Position. */
  px = 0.5;
  py = 0.5;
  pz = 0.5;
  /** Geometric normal by winding, unit: points to the front. */
  gx = 0.5;
  gy = 0.5;
  gz = 0.5;
  /** Area of the triangle, m². */
  areaM2 = 0.5;
  /** Shading normal, unit, on the front's side until `faceViewer`. */
  nx = 0.5;
  ny = 0.5;
  nz = 0.5;
  u0 = 0.5;
  v0 = 0.5;
  u1 = 0.5;
  v1 = 0.5;
  /** Coverage in [0, 1] after alpha mode. */
  alpha = 0.5;
  /** Base colour, linear. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  metallic = 0.5;
  roughness = 0.5;
  /** Radiance leaving the front (both sides if double-sided), nits. */
  emittedR = 0.5;
  emittedG = 0.5;
  emittedB = 0.5;

  readonly #geometry: SceneGeometry;
  readonly #materials: readonly TraceMaterial[];
  #i0 = 0;
  #i1 = 0;
  #i2 = 0;
  #w0 = 0.5;
  #w1 = 0.5;
  #w2 = 0.5;

  constructor(geometry: SceneGeometry, materials: readonly TraceMaterial[]) {
    this.#geometry = geometry;
    this.#materials = materials;
    this.material = materials[0]!;
  }

  /** Position, geometric normal, material, coverage and base colour. `at.u`, `at.v` weigh the second and third corner. */
  locate(at: { readonly triangle: number; readonly u: number; readonly v: number }): void {
    const geometry = this.#geometry;
    const triangle = at.triangle;
    const i0 = geometry.indices[triangle * 3]!;
    const i1 = geometry.indices[triangle * 3 + 1]!;
    const i2 = geometry.indices[triangle * 3 + 2]!;
    this.triangle = triangle;
    this.#i0 = i0;
    this.#i1 = i1;
    this.#i2 = i2;
    this.#w1 = at.u;
    this.#w2 = at.v;
    this.#w0 = 1 - at.u - at.v;
    this.material = this.#materials[geometry.materialIds[triangle]!]!;
    const p = geometry.positions;
    const x0 = p[i0 * 3]!;
    const y0 = p[i0 * 3 + 1]!;
    const z0 = p[i0 * 3 + 2]!;
    const ax = p[i1 * 3]! - x0;
    const ay = p[i1 * 3 + 1]! - y0;
    const az = p[i1 * 3 + 2]! - z0;
    const bx = p[i2 * 3]! - x0;
    const by = p[i2 * 3 + 1]! - y0;
    const bz = p[i2 * 3 + 2]! - z0;
    this.px = x0 + ax * this.#w1 + bx * this.#w2;
    this.py = y0 + ay * this.#w1 + by * this.#w2;
    this.pz = z0 + az * this.#w1 + bz * this.#w2;
    const cx = ay * bz - az * by;
    const cy = az * bx - ax * bz;
    const cz = ax * by - ay * bx;
    const length = Math.sqrt(cx * cx + cy * cy + cz * cz);
    this.areaM2 = length * 0.5;
    const scale = length > 0 ? 1 / length : 0;
    this.gx = cx * scale;
    this.gy = cy * scale;
    this.gz = cz * scale;
    this.#loadTextureCoordinates();
    this.#loadBaseColor();
  }

  /** The rest of what shading needs; after `locate`. */
  loadShading(): void {
    const material = this.material;
    this.metallic = material.metallic;
    this.roughness = material.roughness;
    const texture = material.metallicRoughnessTexture;
    if (texture !== null) {
      texture.sample(this);
      this.roughness *= texture.g;
      this.metallic *= texture.b;
    }
    this.#loadNormal();
  }

  /** Emission without regard to sides; after `locate`. */
  loadEmission(): void {
    const material = this.material;
    this.emittedR = material.emissiveR;
    this.emittedG = material.emissiveG;
    this.emittedB = material.emissiveB;
    const texture = material.emissiveTexture;
    if (texture !== null) {
      texture.sample(this);
      this.emittedR *= texture.r;
      this.emittedG *= texture.g;
      this.emittedB *= texture.b;
    }
  }

  #loadTextureCoordinates(): void {
    if (!this.material.hasTexture) return;
    const { uv0, uv1 } = this.#geometry;
    const i0 = this.#i0 * 2;
    const i1 = this.#i1 * 2;
    const i2 = this.#i2 * 2;
    this.u0 = uv0[i0]! * this.#w0 + uv0[i1]! * this.#w1 + uv0[i2]! * this.#w2;
    this.v0 = uv0[i0 + 1]! * this.#w0 + uv0[i1 + 1]! * this.#w1 + uv0[i2 + 1]! * this.#w2;
    this.u1 = uv1[i0]! * this.#w0 + uv1[i1]! * this.#w1 + uv1[i2]! * this.#w2;
    this.v1 = uv1[i0 + 1]! * this.#w0 + uv1[i1 + 1]! * this.#w1 + uv1[i2 + 1]! * this.#w2;
  }

  #loadBaseColor(): void {
    const material = this.material;
    this.r = material.r;
    this.g = material.g;
    this.b = material.b;
    let alpha = material.a;
    const texture = material.baseColorTexture;
    if (texture !== null) {
      texture.sample(this);
      this.r *= texture.r;
      this.g *= texture.g;
      this.b *= texture.b;
      alpha *= texture.a;
    }
    const colors = this.#geometry.colors;
    if (colors !== null) {
      const i0 = this.#i0 * 4;
      const i1 = this.#i1 * 4;
      const i2 = this.#i2 * 4;
      this.r *= colors[i0]! * this.#w0 + colors[i1]! * this.#w1 + colors[i2]! * this.#w2;
      this.g *= colors[i0 + 1]! * this.#w0 + colors[i1 + 1]! * this.#w1 + colors[i2 + 1]! * this.#w2;
      this.b *= colors[i0 + 2]! * this.#w0 + colors[i1 + 2]! * this.#w1 + colors[i2 + 2]! * this.#w2;
      alpha *= colors[i0 + 3]! * this.#w0 + colors[i1 + 3]! * this.#w1 + colors[i2 + 3]! * this.#w2;
    }
    this.r = unit(this.r);
    this.g = unit(this.g);
    this.b = unit(this.b);
    if (material.alphaMode === ALPHA_OPAQUE) this.alpha = 1;
    else if (material.alphaMode === ALPHA_MASK) this.alpha = alpha >= material.alphaCutoff ? 1 : 0;
    else if (material.alphaMode === ALPHA_BLEND) this.alpha = unit(alpha);
  }

  #loadNormal(): void {
    const n = this.#geometry.normals;
    const i0 = this.#i0 * 3;
    const i1 = this.#i1 * 3;
    const i2 = this.#i2 * 3;
    let x = n[i0]! * this.#w0 + n[i1]! * this.#w1 + n[i2]! * this.#w2;
    let y = n[i0 + 1]! * this.#w0 + n[i1 + 1]! * this.#w1 + n[i2 + 1]! * this.#w2;
    let z = n[i0 + 2]! * this.#w0 + n[i1 + 2]! * this.#w1 + n[i2 + 2]! * this.#w2;
    let length = Math.sqrt(x * x + y * y + z * z);
    if (!(length >= 1e-6)) {
      x = this.gx;
      y = this.gy;
      z = this.gz;
      length = 1;
    }
    this.nx = x / length;
    this.ny = y / length;
    this.nz = z / length;
    if (this.material.normalTexture !== null) this.#applyNormalMap();
  }

  /** glTF 2.0, section 3.9.3: bitangent = cross(normal, tangent) × w; the map's x and y are scaled, then normalised. */
  #applyNormalMap(): void {
    const texture = this.material.normalTexture!;
    const t = this.#geometry.tangents;
    const i0 = this.#i0 * 4;
    const i1 = this.#i1 * 4;
    const i2 = this.#i2 * 4;
    const { nx, ny, nz } = this;
    let tx = t[i0]! * this.#w0 + t[i1]! * this.#w1 + t[i2]! * this.#w2;
    let ty = t[i0 + 1]! * this.#w0 + t[i1 + 1]! * this.#w1 + t[i2 + 1]! * this.#w2;
    let tz = t[i0 + 2]! * this.#w0 + t[i1 + 2]! * this.#w1 + t[i2 + 2]! * this.#w2;
    const along = tx * nx + ty * ny + tz * nz;
    tx -= along * nx;
    ty -= along * ny;
    tz -= along * nz;
    const length = Math.sqrt(tx * tx + ty * ty + tz * tz);
    if (!(length >= 1e-9)) return;
    tx /= length;
    ty /= length;
    tz /= length;
    const side = t[i0 + 3]! < 0 ? -1 : 1;
    texture.sample(this);
    const mx = (texture.r * 2 - 1) * this.material.normalScale;
    const my = (texture.g * 2 - 1) * this.material.normalScale * side;
    const mz = texture.b * 2 - 1;
    const x = tx * mx + (ny * tz - nz * ty) * my + nx * mz;
    const y = ty * mx + (nz * tx - nx * tz) * my + ny * mz;
    const z = tz * mx + (nx * ty - ny * tx) * my + nz * mz;
    const norm = Math.sqrt(x * x + y * y + z * z);
    if (!(norm >= 1e-6)) return;
    this.nx = x / norm;
    this.ny = y / norm;
    this.nz = z / norm;
  }
}

/** Within [0, 1]; what is no number becomes 0. */
const unit = (value: number): number => (value > 0 ? Math.min(value, 1) : 0);
