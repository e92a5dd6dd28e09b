import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { View } from '#shared/domain/job.js';
import { floatsToHalves } from '#shared/image/half.js';
import { displayImage, displayLayer, onBlack, to8Bit } from './display.js';
import { type DisplayFormat, encodeDisplay } from './encode-display.js';
import { viewTransform } from './view-transform.js';

function shown(view: View, ...rgb: number[]): number[] {
  const row = Float32Array.from(rgb);
  viewTransform(view).apply(row, rgb.length / 3);
  return [...row];
}

const beautyOf = (...rgba: number[]) => ({
  name: 'beauty' as const,
  data: floatsToHalves(Float32Array.from(rgba)),
});

/** The polynomial fit of iolite-engine.com/blog_posts/minimal_agx_implementation. */
function agxPolynomial(x: number): number {
  const terms = [0.002857, -0.1718, 4.361, -28.72, 92.06, -126.7, 78.01, -17.86];
  return terms.reduce((sum, term, power) => sum + term * x ** power, 0);
}

describe('view transforms', () => {
  it('sRGB has the values of IEC 61966-2-1 to a 16-bit code', () => {
    for (let code = 0; code <= 255; code++) {
      const encoded = code / 255;
      const linear = encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
      for (const value of shown('srgb', linear, linear, linear)) {
        expect(Math.abs(value - encoded) * 65_535).toBeLessThan(0.5);
      }
    }
    expect(shown('srgb', -1, 7, Number.POSITIVE_INFINITY)).toEqual([0, 1, 1]);
  });

  it('AgX is black at 0, half at middle grey, white from 6.5 stops above it, and never falls', () => {
    expect(shown('agx', 0, 0, 0)).toEqual([0, 0, 0]);
    for (const value of shown('agx', 0.18, 0.18, 0.18)) expect(value).toBeCloseTo(0.5, 3);
    for (const value of shown('agx', 1000, 1000, 1000)) expect(value).toBeCloseTo(1, 3);
    let previous = -1;
    for (let stops = -12; stops <= 8; stops += 0.05) {
      const [value] = shown('agx', ...Array(3).fill(0.18 * 2 ** stops));
      expect(value).toBeGreaterThanOrEqual(previous);
      previous = value!;
    }
  });

  it('AgX follows the published polynomial to about half a percent (RMS)', () => {
    let [square, count] = [0, 0];
    for (let position = 0.02; position <= 0.98; position += 0.01, count++) {
      const grey = 2 ** (position * 16.5 - 12.47393);
      const [value] = shown('agx', grey, grey, grey);
      square += (value! - agxPolynomial(position)) ** 2;
    }
    expect(square / count).toBeLessThan(4e-5);
  });

  it('AgX turns a very bright saturated light towards white instead of cutting it off', () => {
    const [r, g, b] = shown('agx', 50, 0.5, 0.5);
    expect(r).toBeGreaterThan(0.9);
    expect(g).toBeGreaterThan(0.3);
    expect(b).toBeGreaterThan(0.3);
  });

  it('ACES has the values of the published fit', () => {
    // (x(x + 0.0245786) - 0.000090537) / (x(0.983729x + 0.432951) + 0.238081); the matrices' rows sum to 1.
    const published = (x: number) =>
      (x * (x + 0.0245786) - 0.000090537) / (x * (0.983729 * x + 0.432951) + 0.238081);
    for (const grey of [0.02, 0.18, 0.5, 1, 4, 100]) {
      const encoded = 1.055 * Math.min(1, published(grey)) ** (1 / 2.4) - 0.055;
      for (const value of shown('aces', grey, grey, grey))
        expect(Math.abs(value - encoded)).toBeLessThan(2e-4);
    }
  });
});

describe('display image', () => {
  it('exposure counts in stops', async () => {
    const dim = await displayImage(beautyOf(0.1, 0.2, 0.05, 1), 1, 1, 'agx', 2);
    expect(dim).toEqual(await displayImage(beautyOf(0.4, 0.8, 0.2, 1), 1, 1, 'agx', 0));
  });

  it('an opaque frame gives RGB, any other straight RGBA with the colour of the opaque one', async () => {
    const opaque = await displayImage(beautyOf(0.4, 0.8, 0.2, 1), 1, 1, 'agx', 0);
    const half = await displayImage(beautyOf(0.2, 0.4, 0.1, 0.5), 1, 1, 'agx', 0);
    expect(opaque.channels).toBe(3);
    expect([...half.data]).toEqual([...opaque.data, 32_768]);
    expect([...onBlack(half).data].map((code) => Math.round(code / 128))).toEqual(
      [...opaque.data].map((code) => Math.round(code / 256)),
    );
  });

  it('8 bits are rounded, not cut', () => {
    const codes = Uint16Array.from({ length: 65_536 }, (_, code) => code);
    const bytes = to8Bit(codes);
    expect(bytes.findIndex((byte, code) => byte !== Math.round(code / 257))).toBe(-1);
  });

  it('a frame without beauty shows its first layer', async () => {
    const layer = displayLayer([{ name: 'depth', data: Float32Array.of(0.5) }]);
    expect((await displayImage(layer, 1, 1, 'srgb', 0)).data).toEqual(
      (await displayImage(beautyOf(0.5, 0.5, 0.5, 1), 1, 1, 'srgb', 0)).data,
    );
  });

  it.each([
    ['png', 'png', 'ushort', true],
    ['tiff', 'tiff', 'ushort', true],
    ['png8', 'png', 'uchar', true],
    ['webp', 'webp', 'uchar', false],
    ['jpeg', 'jpeg', 'uchar', false],
  ] as const)(
    '%s is written with its depth, and lossless ones code by code',
    async (format, name, depth, isExact) => {
      const data = Uint16Array.from(
        { length: 32 * 8 * 3 },
        (_, index) => (index * 257 + (index % 7) * 9) % 65_536,
      );
      const image = { widthPx: 32, heightPx: 8, channels: 3 as const, data };
      const file = await encodeDisplay(image, format satisfies DisplayFormat);
      const metadata = await sharp(file).metadata();
      expect([metadata.format, metadata.depth, metadata.width, metadata.height]).toEqual([
        name,
        depth,
        32,
        8,
      ]);
      if (!isExact) return;
      const reader =
        depth === 'ushort' ? sharp(file).toColourspace('rgb16').raw({ depth }) : sharp(file).raw();
      const read = new Uint8Array(await reader.toBuffer());
      expect(depth === 'ushort' ? new Uint16Array(read.buffer) : read).toEqual(
        depth === 'ushort' ? data : to8Bit(data),
      );
    },
  );
});
