/**
 * The synthetic renderer's picture: every sample is a pure function of (x, y, frame, seed, layer, channel), so a test
 * knows each pixel of any frame without rendering it.
 */
import type { LayerName } from '#shared/domain/layers.js';

/** Halves hold every integer up to 2048 and every multiple of 2^-10 below 2 exactly, so these survive the wire bit for bit. */
const STEPS = 1024;

const LAYER_SALT: Readonly<Record<LayerName, number>> = {
  ...{ beauty: 1, albedo: 2, normal: 3, depth: 4 },
  ...{ position: 5, emission: 6, ao: 7, mist: 8 },
};

/**
 * One sample of the pattern.
 * @param x,y      pixel of the frame, origin top-left.
 * @param channel  0-based, in the layer's memory order.
 * @returns scene-linear value: beauty and albedo in [0, 1), beauty's alpha 1, normal in [-1, 1), depth in [0, 65536).
 *          Exact in the layer's sample type.
 */
export function syntheticPixel(
  layer: LayerName,
  x: number,
  y: number,
  channel: number,
  frame: number,
  seed: number,
): number {
  if (layer === 'beauty' && channel === 3) return 1;
  const hash = mix(x, y, frame, seed ^ (LAYER_SALT[layer] * 8 + channel));
  if (layer === 'depth') return (hash >>> 8) / 256;
  const step = hash >>> 22;
  return layer === 'normal' ? (step - STEPS / 2) / (STEPS / 2) : step / STEPS;
}

/** Integer hash of four words. Source: the finaliser of MurmurHash3 (fmix32), applied after each word. */
function mix(a: number, b: number, c: number, d: number): number {
  return finish(finish(finish(finish(d) ^ c) ^ b) ^ a);
}

function finish(value: number): number {
  let h = (value + 0x9e37_79b9) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
