import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LAYER_NAMES, LAYERS, type LayerName } from '../domain/layers.js';
import { FarmError } from '../errors.js';
import { decodeExr } from './exr-decode.js';
import { type ExrOptions, type ExrPicture, encodeExr } from './exr-encode.js';
import { floatsToHalves } from './half.js';
import type { LayerSamples } from './tile-codec.js';

function pictureOf(names: readonly LayerName[], widthPx: number, heightPx: number, seed = 1): ExrPicture {
  const layers = names.map((name): LayerSamples => {
    const data = new Float32Array(widthPx * heightPx * LAYERS[name].channels.length);
    for (let index = 0; index < data.length; index++) {
      data[index] = Math.sin(index * 0.37 * seed) * 2 ** ((index * seed) % 23) + (index % 5) * 0.01;
    }
    return { name, data: LAYERS[name].sampleType === 'half' ? floatsToHalves(data) : data };
  });
  return {
    widthPx,
    heightPx,
    layers,
    metadata: { jobId: 'hills-1', aNameThatIsLongerThanThirtyOneCharacters: 'ö' },
  };
}

async function fileOf(picture: ExrPicture, options: ExrOptions = {}): Promise<Buffer> {
  let file = Buffer.alloc(0);
  for await (const { position, bytes } of encodeExr(picture, options)) {
    const end = position + bytes.length;
    if (end > file.length) file = Buffer.concat([file, Buffer.alloc(end - file.length)]);
    file.set(bytes, position);
  }
  return file;
}

function reasonOf(bytes: Uint8Array): string {
  try {
    decodeExr(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(FarmError);
    expect((error as FarmError).code).toBe('IMAGE_INVALID');
    return (error as FarmError).message;
  }
  return 'accepted';
}

describe('EXR', () => {
  it('any frame comes back bit for bit, with ZIP and without', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.subarray([...LAYER_NAMES], { minLength: 1 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom('zip' as const, 'none' as const),
        fc.integer({ min: 1, max: 1000 }),
        async (names, widthPx, heightPx, compression, seed) => {
          const picture = pictureOf(names, widthPx, heightPx, seed);
          const image = decodeExr(await fileOf(picture, { compression }));
          expect([image.widthPx, image.heightPx, image.compression]).toEqual([
            widthPx,
            heightPx,
            compression,
          ]);
          expect(image.metadata).toEqual(picture.metadata);
          for (const { name, data } of picture.layers) {
            const { channels, sampleType } = LAYERS[name];
            channels.forEach((channel, first) => {
              const prefix = name === 'beauty' || name === 'depth' ? '' : `${name}.`;
              const plane = image.planes.find((other) => other.name === prefix + channel)!;
              expect(plane.sampleType).toBe(sampleType);
              expect([...plane.data]).toEqual(
                [...data].filter((_, index) => index % channels.length === first),
              );
            });
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('channels stand in the order of their names, and equal pictures give equal files', async () => {
    const picture = pictureOf(['beauty', 'albedo', 'normal', 'depth'], 33, 17);
    const image = decodeExr(await fileOf(picture));
    const names = image.channels.map(({ name }) => name);
    expect(names).toEqual('A B G R Z albedo.B albedo.G albedo.R normal.X normal.Y normal.Z'.split(' '));
    expect(await fileOf(picture)).toEqual(await fileOf(picture));
  });

  it('a writer that is stopped early leaves nothing running', async () => {
    for await (const { position } of encodeExr(pictureOf(['beauty'], 64, 512))) if (position > 0) break;
  });

  it('garbage is refused, whatever is wrong with it', async () => {
    const good = await fileOf(pictureOf(['beauty', 'depth'], 20, 20));
    for (let length = 0; length < good.length; length += 7) {
      expect(reasonOf(good.subarray(0, length))).not.toBe('accepted');
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: good.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, value) => {
          const bytes = Buffer.from(good);
          bytes[at] = value;
          reasonOf(bytes); // Accepted or refused with IMAGE_INVALID; nothing else may come out.
        },
      ),
      { numRuns: 500 },
    );
    expect(reasonOf(Buffer.from('not an exr file'))).toMatch(/magic/);
  });

  it('names the kind of file that it does not read', async () => {
    const good = await fileOf(pictureOf(['beauty'], 4, 4));
    for (const [flag, kind] of [
      [2, 'tiled'],
      [8, 'deep'],
      [16, 'multiPart'],
    ] as const) {
      const bytes = Buffer.from(good);
      bytes[5] = flag;
      expect(reasonOf(bytes)).toContain(kind);
    }
    const piz = Buffer.from(good);
    piz[piz.indexOf('compression\0compression\0') + 24 + 4] = 4;
    expect(reasonOf(piz)).toContain('piz compression');
  });

  it('a header that claims far more pixels than the file can hold costs no memory', async () => {
    const bytes = await fileOf(pictureOf(['beauty'], 4, 4));
    const window = bytes.indexOf('dataWindow\0box2i\0') + 17 + 4;
    bytes.writeInt32LE(8191, window + 8);
    bytes.writeInt32LE(8191, window + 12);
    expect(reasonOf(bytes)).toMatch(/8192x8192 px do not fit/);
    bytes.writeInt32LE(2 ** 30, window + 8);
    expect(reasonOf(bytes)).toMatch(/dataWindow/);
  });

  it('a chunk that unpacks to more than its lines is refused', async () => {
    const bytes = await fileOf(pictureOf(['beauty'], 64, 16));
    const image = decodeExr(bytes);
    const chunk = image.headerBytes + 8;
    const bomb = deflateSync(Buffer.alloc(10_000_000));
    const size = Buffer.alloc(4);
    size.writeInt32LE(Math.min(bomb.length, 64 * 16 * 8 - 1));
    const file = Buffer.concat([bytes.subarray(0, chunk + 4), size, bomb]);
    expect(reasonOf(file)).toMatch(/instead of 8192|does not unpack/);
  });
});
