/**
 * The built-in sky: a clear late afternoon whose horizon is warm, with a wide soft sun high on the left behind the camera
 * that looks along −Z. Bounded radiance around 1, so that a scene without any light of its own is well exposed.
 */
import { sharedFloat32 } from './shared-arrays.js';

const WIDTH = 512;
const HEIGHT = 256;
type Rgb = readonly [number, number, number];

const ZENITH: Rgb = [0.2, 0.4, 0.85];
const MIDDLE: Rgb = [0.52, 0.7, 0.98];
const HORIZON: Rgb = [1.05, 0.94, 0.82];
/** A bright haze rather than earth: it is the backdrop of every camera that looks down on a lone object. */
const GROUND: Rgb = [0.36, 0.34, 0.33];
/** Unit direction to the sun. */
const SUN: Rgb = [-0.5298, 0.6623, 0.5298];
const SUN_COLOR: Rgb = [1, 0.88, 0.7];
/** About 5° wide: soft-edged shadows at little noise; as much light on the ground as from the rest of the sky. */
const SUN_RADIANCE = 26;
const SUN_SHARPNESS = 130;
const GLOW_RADIANCE = 0.35;
const GLOW_SHARPNESS = 6;

let table: { widthPx: number; heightPx: number; data: Float32Array } | undefined;

/** height × width × 3 radiance, equirectangular as in `SceneEnvironment`. Made once per process. */
export function skyTable(): { widthPx: number; heightPx: number; data: Float32Array } {
  table ??= bake();
  return table;
}

function bake(): { widthPx: number; heightPx: number; data: Float32Array } {
  const data = sharedFloat32(WIDTH * HEIGHT * 3);
  for (let row = 0; row < HEIGHT; row++) {
    const theta = (Math.PI * (row + 0.5)) / HEIGHT;
    for (let column = 0; column < WIDTH; column++) {
      const phi = ((column + 0.5) / WIDTH - 0.5) * 2 * Math.PI;
      const sine = Math.sin(theta);
      const color = skyRadiance(Math.sin(phi) * sine, Math.cos(theta), -Math.cos(phi) * sine);
      data.set(color, (row * WIDTH + column) * 3);
    }
  }
  return { widthPx: WIDTH, heightPx: HEIGHT, data };
}

function skyRadiance(x: number, y: number, z: number): Rgb {
  const height = Math.max(y, 0);
  const toMiddle = smooth(height / 0.22);
  const toZenith = smooth((height - 0.05) / 0.95);
  const toGround = smooth(-y / 0.3);
  const sun = Math.max(x * SUN[0] + y * SUN[1] + z * SUN[2], 0);
  const disc =
    SUN_RADIANCE * Math.exp(SUN_SHARPNESS * (sun - 1)) + GLOW_RADIANCE * Math.exp(GLOW_SHARPNESS * (sun - 1));
  const channel = (c: 0 | 1 | 2): number => {
    const low = HORIZON[c] + (MIDDLE[c] - HORIZON[c]) * toMiddle;
    const air = low + (ZENITH[c] - low) * toZenith + disc * SUN_COLOR[c];
    return air + (GROUND[c] - air) * toGround;
  };
  return [channel(0), channel(1), channel(2)];
}

function smooth(x: number): number {
  const t = Math.min(Math.max(x, 0), 1);
  return t * t * (3 - 2 * t);
}
