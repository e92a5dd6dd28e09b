/**
 * Random numbers of one path, from (pixel, sample, frame, seed) only. The first dimensions come in pairs from the
 * Owen-scrambled (0,2) Sobol sequence, shuffled per pair and pixel, which spreads a pixel's samples evenly; later ones
 * from a PCG stream. Integer arithmetic only, so the numbers are the same on every machine.
 * Sources: Burley, "Practical Hash-based Owen Scrambling" (JCGT 2020); Jarzynski & Olano, "Hash Functions for GPU
 * Rendering" (JCGT 2020) for the PCG hash.
 */
const TO_UNIT = 2 ** -32;
/** Pairs drawn from the Sobol sequence: the pixel and about three bounces; beyond, even spacing no longer pays. */
const SOBOL_PAIRS = 24;

export class Sampler {
  /** The pair drawn last, each in [0, 1). */
  u = 0.5;
  v = 0.5;
  #pixelHash = 0;
  #sample = 0;
  #pair = 0;
  #state = 0;

  startPixel(x: number, y: number, frame: number, seed: number): void {
    this.#pixelHash = pcgHash(x + pcgHash(y + pcgHash(frame + pcgHash(seed))));
  }

  startSample(sample: number): void {
    this.#sample = sample;
    this.#pair = 0;
    this.#state = pcgHash(sample ^ Math.imul(this.#pixelHash, 0x9e3779b1));
  }

  /** Draws the next pair into `u` and `v`. */
  draw(): void {
    const pair = this.#pair++;
    if (pair >= SOBOL_PAIRS) {
      this.#state = (Math.imul(this.#state, 747796405) + 2891336453) | 0;
      this.u = (pcgOutput(this.#state) >>> 0) * TO_UNIT;
      this.#state = (Math.imul(this.#state, 747796405) + 2891336453) | 0;
      this.v = (pcgOutput(this.#state) >>> 0) * TO_UNIT;
      return;
    }
    const seed = pcgHash(this.#pixelHash ^ Math.imul(pair + 1, 0x85ebca6b));
    // Shuffling the index (itself an Owen scramble) decorrelates the pairs from each other.
    const index = reverseBits(laineKarras(reverseBits(this.#sample), seed));
    const reversed = reverseBits(index);
    const first = laineKarras(reverseBits(reversed), Math.imul(seed ^ 0x68bc21eb, 0x2c1b3c6d));
    const second = laineKarras(reverseBits(pascal(reversed)), Math.imul(seed ^ 0x02e5be93, 0x297a2d39));
    this.u = (reverseBits(first) >>> 0) * TO_UNIT;
    this.v = (reverseBits(second) >>> 0) * TO_UNIT;
  }
}

/**
 * Second Sobol dimension of a bit-reversed index: its generator is Pascal's triangle modulo 2, a Kronecker power of
 * [[1,1],[0,1]], so five masked shifts replace the loop over direction numbers.
 */
function pascal(reversed: number): number {
  let x = reversed;
  x ^= (x & 0x55555555) << 1;
  x ^= (x & 0x33333333) << 2;
  x ^= (x & 0x0f0f0f0f) << 4;
  x ^= (x & 0x00ff00ff) << 8;
  x ^= (x & 0x0000ffff) << 16;
  return x;
}

/** Owen scrambling of a bit-reversed number: each step lets a bit depend on lower bits only. Constants: Burley 2020. */
function laineKarras(value: number, seed: number): number {
  let x = (value + seed) | 0;
  x ^= Math.imul(x, 0x6c50b47c);
  x ^= Math.imul(x, 0xb82f1e52);
  x ^= Math.imul(x, 0xc7afe638);
  x ^= Math.imul(x, 0x8d22f6e6);
  return x;
}

function reverseBits(value: number): number {
  let x = value;
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}

export function pcgHash(value: number): number {
  return pcgOutput((Math.imul(value | 0, 747796405) + 2891336453) | 0);
}

function pcgOutput(state: number): number {
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737);
  return (word >>> 22) ^ word;
}
