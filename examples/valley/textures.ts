/**
 * Every texture of the valley, painted pixel by pixel from seeded noise and encoded by sharp. Colour textures hold sRGB,
 * the others plain numbers; all tile, since the noise wraps.
 */
import sharp from 'sharp';
import { fractalNoise, hash, noise } from './noise.js';
import { CLEAR_SKY_TEXEL } from './sky.js';
import { clamp, mix, mix3, smoothstep, type Vec3 } from './vector.js';

const SIDE = 512;

/** Linear to sRGB, 0 to 255. Source: IEC 61966-2-1. */
const srgb = (value: number): number =>
  255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

type Painter = (x: number, y: number) => Vec3;

async function paint(
  width: number,
  height: number,
  painter: Painter,
  encode: (v: number) => number,
  quality: number,
) {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const color = painter(x, y);
      for (let channel = 0; channel < 3; channel++) {
        pixels[(y * width + x) * 3 + channel] = Math.round(clamp(encode(clamp(color[channel])), 0, 255));
      }
    }
  }
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.webp({ quality, effort: 4 }).toBuffer());
}

const linear = (value: number): number => 255 * value;

/** Blades and tufts around white, to multiply a vertex colour with. */
export function grassTexture(): Promise<Uint8Array> {
  const painter: Painter = (x, y) => {
    const tufts = fractalNoise(x / 16, y / 16, 51, 4, SIDE / 16);
    const patches = noise(x / 128, y / 128, 52, 4);
    const blades = hash(x >> 1, y, 53) - 0.5;
    const value = clamp(0.74 + 0.3 * tufts + 0.12 * patches + 0.12 * blades);
    return mix3(
      [value, value, value * 0.9],
      [value * 0.95, value * 0.82, value * 0.6],
      smoothstep(0.1, 0.6, -tufts),
    );
  };
  return paint(SIDE, SIDE, painter, srgb, 62);
}

/** Leaves in clumps with shade between them, to multiply a vertex colour with. */
export function leafTexture(): Promise<Uint8Array> {
  const side = SIDE / 2;
  const painter: Painter = (x, y) => {
    const clumps = fractalNoise(x / 32, y / 32, 59, 4, side / 32);
    const value = clamp(0.62 + 0.75 * clumps + 0.18 * (hash(x, y, 60) - 0.5), 0.12, 1);
    return [value, value, value * 0.85];
  };
  return paint(side, side, painter, srgb, 60);
}

/** Tree crowns seen from afar with dark gaps, streaked down the fall line where rock shows. */
export function woodedRockTexture(): Promise<Uint8Array> {
  const painter: Painter = (x, y) => {
    const crowns = Math.abs(fractalNoise(x / 32, y / 32, 54, 4, SIDE / 32));
    const streaks = fractalNoise(x / 16, y / 128, 55, 3, 4);
    const value = clamp(
      0.95 - 0.75 * smoothstep(0.12, 0, crowns) * 0.7 + 0.16 * streaks + 0.2 * (crowns - 0.3),
    );
    return [value, value, value * 0.94];
  };
  return paint(SIDE, SIDE, painter, srgb, 60);
}

/** Ripples as a tangent-space normal map. */
export function rippleTexture(): Promise<Uint8Array> {
  const height = (x: number, y: number) =>
    fractalNoise(x / 64, y / 32, 56, 3, 8) + 0.5 * noise(x / 16, y / 8, 57, 32);
  const painter: Painter = (x, y) => {
    const [dx, dy] = [height(x + 1, y) - height(x - 1, y), height(x, y + 1) - height(x, y - 1)].map(
      (d) => d * 1.6,
    );
    const length = Math.sqrt(dx * dx + dy * dy + 1);
    return [0.5 - dx / length / 2, 0.5 + dy / length / 2, 0.5 + 0.5 / length];
  };
  return paint(SIDE / 2, SIDE / 2, painter, linear, 80);
}

/** Cloud streaks lit from below, relative to the clear sky at `CLEAR_SKY_TEXEL`. */
export function cloudTexture(): Promise<Uint8Array> {
  const painter: Painter = (x, y) => {
    const clear: Vec3 = [CLEAR_SKY_TEXEL, CLEAR_SKY_TEXEL, CLEAR_SKY_TEXEL];
    const height = 1 - y / SIDE;
    const body = fractalNoise(x / 128, y / 26, 58, 5, 4);
    const below = fractalNoise(x / 128, (y + 9) / 26, 58, 5, 4);
    const band = smoothstep(0.1, 0.2, height) * (1 - smoothstep(0.55, 0.95, height));
    const cover = smoothstep(0, 0.36, body) * band;
    const lit = smoothstep(-0.05, 0.3, body - below);
    return mix3(clear, mix3([0.58, 0.56, 0.62], [1, 0.84, 0.74], lit), cover * 0.85);
  };
  return paint(SIDE, SIDE, painter, srgb, 84);
}

interface Facade {
  readonly baseColor: Vec3;
  readonly emissive: Vec3;
  /** 1 on glass. */
  readonly glass: number;
}

/** One bay of wall, 24 m by 11 m: two storeys of eight windows between fins, some of them lit. */
function facadeAt(x: number, y: number): Facade {
  const column = Math.floor((x / SIDE) * 8);
  const storey = Math.floor((y / (SIDE / 2)) * 2);
  const u = ((x / SIDE) * 8) % 1;
  const v = ((y / (SIDE / 2)) * 2) % 1;
  const isWindow = u > 0.14 && u < 0.9 && v > 0.24 && v < 0.8;
  const isFin = u < 0.07;
  const wall = 0.3 + 0.03 * hash(column, storey, 61) - (v > 0.94 ? 0.2 : 0);
  if (!isWindow) {
    const tone = isFin ? 0.14 : wall;
    return { baseColor: [tone * 0.96, tone, tone * 1.03], emissive: [0, 0, 0], glass: 0 };
  }
  const mullion = Math.abs(u - 0.5) < 0.025;
  const roll = hash(column, storey, 62);
  const isLit = roll < 0.74 && !mullion;
  const warm = mix3([1, 0.3, 0.045], [1, 0.48, 0.13], hash(column, storey, 63));
  const tone = hash(column, storey, 65) < 0.14 ? ([0.5, 0.74, 1] as const) : warm;
  // Ceilings are brighter than floors.
  const level = isLit ? mix(1, 0.45, (v - 0.3) / 0.48) * mix(0.55, 1, hash(column, storey, 64)) : 0;
  return {
    baseColor: [0.06, 0.07, 0.08],
    emissive: [tone[0] * level, tone[1] * level, tone[2] * level],
    glass: 1,
  };
}

export const facadeColorTexture = (): Promise<Uint8Array> =>
  paint(SIDE, SIDE / 2, (x, y) => facadeAt(x, y).baseColor, srgb, 78);

export const facadeEmissiveTexture = (): Promise<Uint8Array> =>
  paint(SIDE, SIDE / 2, (x, y) => facadeAt(x, y).emissive, srgb, 80);

/** Roughness in green, metal in blue: smooth glass, brushed panels. */
export const facadeRoughnessTexture = (): Promise<Uint8Array> =>
  paint(SIDE, SIDE / 2, (x, y) => (facadeAt(x, y).glass ? [0, 0.12, 0] : [0, 0.55, 0.35]), linear, 80);
