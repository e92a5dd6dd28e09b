/**
 * Seeded randomness without state or clock: integer hashes of lattice points, so that every run of the generator, on
 * every machine, grows the same valley.
 */

/** A well-mixed number in [0, 1) from three integers (lowbias32 rounds over a linear combination). */
export function hash(x: number, y: number, seed: number): number {
  let bits =
    (Math.imul(x | 0, 0x9e3779b1) ^ Math.imul(y | 0, 0x85ebca77) ^ Math.imul(seed | 0, 0xc2b2ae3d)) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return ((bits ^ (bits >>> 16)) >>> 0) / 0x1_0000_0000;
}

/** Numbers in [0, 1) one after the other: the n-th depends on seed and n alone. */
export function sequence(seed: number): () => number {
  let index = 0;
  return () => hash(index++, 0x51ed, seed);
}

/** Value noise in [-1, 1], smooth to the second derivative; `period` > 0 makes both axes wrap after that many cells. */
export function noise(x: number, y: number, seed: number, period = 0): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fade = (t: number) => t * t * t * (t * (t * 6 - 15) + 10);
  const u = fade(x - x0);
  const v = fade(y - y0);
  const wrap = (i: number) => (period > 0 ? ((i % period) + period) % period : i);
  const at = (i: number, j: number) => hash(wrap(i), wrap(j), seed);
  const low = at(x0, y0) * (1 - u) + at(x0 + 1, y0) * u;
  const high = at(x0, y0 + 1) * (1 - u) + at(x0 + 1, y0 + 1) * u;
  return (low * (1 - v) + high * v) * 2 - 1;
}

/** Octaves of noise, each twice as fine and half as strong; about [-1, 1]. */
export function fractalNoise(x: number, y: number, seed: number, octaves: number, period = 0): number {
  let sum = 0;
  let weight = 0;
  for (let octave = 0; octave < octaves; octave++) {
    const scale = 2 ** octave;
    sum += noise(x * scale, y * scale, seed + octave, period * scale) / scale;
    weight += 1 / scale;
  }
  return sum / weight;
}
