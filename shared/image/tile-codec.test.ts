import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAYER_NAMES, LAYERS, type LayerName, type LayerPixels } from '../domain/layers.js';
import { FarmError } from '../errors.js';
import { findNonFinite, floatsToHalves } from './half.js';
import { decodeTile, encodeTile } from './tile-codec.js';

/** Smooth values with some noise, as a render has. */
function pixelsOf(name: LayerName, widthPx: number, heightPx: number): LayerPixels {
  const data = new Float32Array(widthPx * heightPx * LAYERS[name].channels.length);
  for (let index = 0; index < data.length; index++)
    data[index] = Math.sin(index * 0.01) * 3 + (index % 7) * 0.001;
  return { name, data };
}

const shape = { layers: ['beauty', 'depth'] as LayerName[], widthPx: 5, heightPx: 3 };
const good = () =>
  encodeTile(
    shape.layers.map((name) => pixelsOf(name, 5, 3)),
    5,
    3,
    'zlib',
  );

function reasonOf(bytes: Uint8Array, expected: Parameters<typeof decodeTile>[1] = shape): string {
  try {
    decodeTile(bytes, expected);
  } catch (error) {
    expect(error).toBeInstanceOf(FarmError);
    expect((error as FarmError).code).toBe('IMAGE_INVALID');
    return (error as FarmError).message;
  }
  return 'accepted';
}

describe('tile codec', () => {
  it('any tile comes back: halves as halves, floats bit for bit', () => {
    const samples = fc.constantFrom(
      0,
      -0,
      1,
      0.18,
      -3.5,
      7e4,
      1e-7,
      123.456,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    );
    fc.assert(
      fc.property(
        fc.subarray([...LAYER_NAMES], { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('zlib' as const, 'none' as const),
        fc.infiniteStream(samples),
        (names, widthPx, heightPx, codec, stream) => {
          const layers = names.map((name) => {
            const count = widthPx * heightPx * LAYERS[name].channels.length;
            return { name, data: Float32Array.from({ length: count }, () => stream.next().value as number) };
          });
          const bytes = encodeTile(layers, widthPx, heightPx, codec);
          expect(encodeTile(layers, widthPx, heightPx, codec)).toEqual(bytes);
          const decoded = decodeTile(bytes, { layers: names, widthPx, heightPx });
          decoded.layers.forEach(({ name, data }, index) => {
            const sent = layers[index]!.data;
            expect(name).toBe(names[index]);
            expect(data).toEqual(LAYERS[name].sampleType === 'half' ? floatsToHalves(sent) : sent);
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('a tile of a few pixels travels plain, larger ones are packed, and either comes back', () => {
    for (const [side, codec] of [
      [16, 'none'],
      [64, 'zlib'],
    ] as const) {
      const layer = pixelsOf('beauty', side, side);
      const bytes = encodeTile([layer], side, side);
      expect(bytes).toEqual(encodeTile([layer], side, side, codec));
      const { layers } = decodeTile(bytes, { layers: ['beauty'], widthPx: side, heightPx: side });
      expect(layers[0]!.data).toEqual(floatsToHalves(layer.data));
    }
  });

  it('NaN and infinity stay findable', () => {
    const layer = pixelsOf('beauty', 4, 4);
    layer.data[17] = Number.NaN;
    const decoded = decodeTile(encodeTile([layer], 4, 4), { layers: ['beauty'], widthPx: 4, heightPx: 4 });
    expect(findNonFinite(decoded.layers[0]!.data)).toBe(17);
  });

  it('a view into a larger buffer is read in place, whatever its alignment', () => {
    const bytes = good();
    const padded = new Uint8Array(bytes.length + 9);
    padded.set(bytes, 3);
    const view = padded.subarray(3, 3 + bytes.length);
    expect(decodeTile(view, shape)).toEqual(decodeTile(bytes, shape));
  });

  it.each([
    ['empty', () => new Uint8Array(0), /too few/],
    ['garbage', () => new Uint8Array(64).fill(7), /GTIL/],
    ['another version', () => patched(4, 9), /version is 9/],
    ['another codec', () => patched(5, 4), /codec is 4/],
    ['another size', () => patched(8, 6), /6x3 px instead of 5x3/],
    ['another layer', () => patched(17, 120), /layers are not beauty, depth/],
    ['fewer layers', () => patched(6, 1), /layers are not/],
    ['cut short', () => good().subarray(0, good().length - 3), /damaged or cut short/],
    ['a flipped bit', () => patched(60, 0xff), /damaged or cut short/],
    ['bytes after the end', () => Buffer.concat([good(), Buffer.from('xyz')]), /3 bytes follow/],
    ['too few pixels', () => withBody(deflateSync(Buffer.alloc(10))), /10 bytes of pixels instead of 180/],
    ['a bomb', () => withBody(deflateSync(Buffer.alloc(50_000_000))), /more than 180 bytes/],
  ])('%s is refused with the reason', (_, make, reason) => {
    expect(reasonOf(make())).toMatch(reason);
  });

  it('every cut of a good tile is refused', () => {
    for (const codec of ['zlib', 'none'] as const) {
      const bytes = encodeTile([pixelsOf('beauty', 3, 2)], 3, 2, codec);
      for (let length = 0; length < bytes.length; length++) {
        const cut = reasonOf(bytes.subarray(0, length), { layers: ['beauty'], widthPx: 3, heightPx: 2 });
        expect(cut).not.toBe('accepted');
      }
    }
  });
});

const HEADER_BYTES = 16 + 1 + 'beauty'.length + 1 + 'depth'.length;

function patched(index: number, value: number): Uint8Array {
  const bytes = good();
  bytes[index] = value;
  return bytes;
}

function withBody(body: Uint8Array): Uint8Array {
  return Buffer.concat([good().subarray(0, HEADER_BYTES), body]);
}
