/**
 * Looks a texture up: 8-bit texels to linear light through a table (so filtering happens in linear light), bilinear or
 * nearest, with glTF's wrap modes. No mip levels: a pixel's many samples average its footprint.
 */
import type { SceneImage, SceneTexture } from '../scene-description.js';

/** sRGB transfer function, IEC 61966-2-1, for each of the 256 codes. */
export const SRGB_TO_LINEAR = Float64Array.from({ length: 256 }, (_, code) => {
  const encoded = code / 255;
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
});
const UNIT = Float64Array.from({ length: 256 }, (_, code) => code / 255);

/** Where on a triangle a lookup happens; both sets of texture coordinates. */
export interface TexturePoint {
  u0: number;
  v0: number;
  u1: number;
  v1: number;
}

const WRAPS = { repeat: 0, clamp: 1, mirror: 2 } as const;

export class TextureSampler {
  /** The texel found last; colour channels decoded, alpha linear. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  a = 0.5;
  readonly #data: Uint8Array;
  readonly #width: number;
  readonly #height: number;
  readonly #decode: Float64Array;
  readonly #texCoord: number;
  readonly #wrapS: number;
  readonly #wrapT: number;
  readonly #isNearest: boolean;
  readonly #m: Float64Array;

  constructor(texture: SceneTexture, image: SceneImage, encoding: 'srgb' | 'linear') {
    this.#data = image.data;
    this.#width = image.widthPx;
    this.#height = image.heightPx;
    this.#decode = encoding === 'srgb' ? SRGB_TO_LINEAR : UNIT;
    this.#texCoord = texture.texCoord;
    this.#wrapS = WRAPS[texture.wrapS];
    this.#wrapT = WRAPS[texture.wrapT];
    this.#isNearest = texture.filter === 'nearest';
    this.#m = Float64Array.from(texture.transform);
  }

  sample(point: TexturePoint): void {
    const m = this.#m;
    const width = this.#width;
    const height = this.#height;
    const s = this.#texCoord === 0 ? point.u0 : point.u1;
    const t = this.#texCoord === 0 ? point.v0 : point.v1;
    const u = wrapped(m[0]! * s + m[1]! * t + m[2]!, this.#wrapS) * width;
    const v = wrapped(m[3]! * s + m[4]! * t + m[5]!, this.#wrapT) * height;
    const data = this.#data;
    const decode = this.#decode;
    if (this.#isNearest) {
      const x = u >= width ? width - 1 : u | 0;
      const y = v >= height ? height - 1 : v | 0;
      const at = (y * width + x) * 4;
      this.r = decode[data[at]!]!;
      this.g = decode[data[at + 1]!]!;
      this.b = decode[data[at + 2]!]!;
      this.a = data[at + 3]! / 255;
      return;
    }
    const left = Math.floor(u - 0.5);
    const above = Math.floor(v - 0.5);
    const fx = u - 0.5 - left;
    const fy = v - 0.5 - above;
    const x0 = left >= 0 ? left : this.#wrapS === 0 ? width - 1 : 0;
    const x1 = left + 1 < width ? left + 1 : this.#wrapS === 0 ? 0 : width - 1;
    const y0 = above >= 0 ? above : this.#wrapT === 0 ? height - 1 : 0;
    const y1 = above + 1 < height ? above + 1 : this.#wrapT === 0 ? 0 : height - 1;
    const p = (y0 * width + x0) * 4;
    const q = (y0 * width + x1) * 4;
    const r = (y1 * width + x0) * 4;
    const w = (y1 * width + x1) * 4;
    const wp = (1 - fx) * (1 - fy);
    const wq = fx * (1 - fy);
    const wr = (1 - fx) * fy;
    const ww = fx * fy;
    this.r =
      decode[data[p]!]! * wp + decode[data[q]!]! * wq + decode[data[r]!]! * wr + decode[data[w]!]! * ww;
    this.g =
      decode[data[p + 1]!]! * wp +
      decode[data[q + 1]!]! * wq +
      decode[data[r + 1]!]! * wr +
      decode[data[w + 1]!]! * ww;
    this.b =
      decode[data[p + 2]!]! * wp +
      decode[data[q + 2]!]! * wq +
      decode[data[r + 2]!]! * wr +
      decode[data[w + 2]!]! * ww;
    this.a = (data[p + 3]! * wp + data[q + 3]! * wq + data[r + 3]! * wr + data[w + 3]! * ww) / 255;
  }
}

/** A coordinate folded into [0, 1]; a coordinate that is no number becomes 0, so that it cannot leave the picture. */
function wrapped(coordinate: number, wrap: number): number {
  let x = coordinate;
  if (wrap === 0) {
    x -= Math.floor(x);
  } else if (wrap === 2) {
    x -= 2 * Math.floor(x * 0.5);
    if (x > 1) x = 2 - x;
  } else if (x > 1) {
    x = 1;
  } else if (x < 0) {
    x = 0;
  }
  return x >= 0 && x <= 1 ? x : 0;
}
