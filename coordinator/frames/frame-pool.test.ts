import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYERS, type LayerName } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { halfFromFloat } from '#shared/image/half.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { FramePool } from './frame-pool.js';
import type { StitchRequest } from './stitch-request.js';

const [WIDTH_PX, HEIGHT_PX] = [70, 40];
const NAMES: LayerName[] = ['beauty', 'depth'];
const REGIONS: Region[] = [
  { x0: 0, y0: 0, x1: 33, y1: 40 },
  { x0: 33, y0: 0, x1: 70, y1: 17 },
  { x0: 33, y0: 17, x1: 70, y1: 40 },
];
let folder: string;
let pool: FramePool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-frame-pool-'));
  pool = new FramePool(1);
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

const valueAt = (x: number, y: number, channel: number) => (channel === 3 ? 1 : (x + 2 * y + channel) / 128);

function tileBytes(region: Region): Uint8Array {
  const [widthPx, heightPx] = [region.x1 - region.x0, region.y1 - region.y0];
  const layers = NAMES.map((name) => {
    const stride = LAYERS[name].channels.length;
    const data = Float32Array.from({ length: widthPx * heightPx * stride }, (_, index) => {
      const pixel = Math.floor(index / stride);
      return valueAt(region.x0 + (pixel % widthPx), region.y0 + Math.floor(pixel / widthPx), index % stride);
    });
    return { name, data };
  });
  return encodeTile(layers, widthPx, heightPx);
}

function requestOf(baseName: string, change: Partial<StitchRequest> = {}): StitchRequest {
  return {
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX,
    layers: NAMES,
    tiles: REGIONS.map((region, tile) => ({ tile, region, bytes: tileBytes(region) })),
    folder,
    baseName,
    formats: ['exr', 'png', 'png8', 'jpeg', 'webp', 'tiff'],
    view: 'agx',
    exposureEv: 0,
    metadata: { jobId: 'job-1' },
    ...change,
  };
}

describe('frame pool', () => {
  it('writes every format with its size and digest, and the master has the pixels of the tiles', async () => {
    const request = requestOf('good.0001');
    const bytes = request.tiles[0]!.bytes;
    const result = await pool.stitch(request);
    if (result.kind !== 'written') throw new Error(JSON.stringify(result));
    expect(result.files.map(({ name }) => name)).toEqual(
      ['exr', 'png', '8.png', 'jpg', 'webp', 'tif'].map((extension) => `good.0001.${extension}`),
    );
    for (const { name, sizeBytes, digest } of result.files) {
      const file = await readFile(join(folder, name));
      expect([file.length, createHash('sha256').update(file).digest('hex')]).toEqual([sizeBytes, digest]);
    }
    const image = decodeExr(await readFile(join(folder, 'good.0001.exr')));
    expect(image.metadata['jobId']).toBe('job-1');
    const green = image.planes.find(({ name }) => name === 'G')!.data;
    const wrong = green.findIndex(
      (half, pixel) => half !== halfFromFloat(valueAt(pixel % WIDTH_PX, Math.floor(pixel / WIDTH_PX), 1)),
    );
    expect(wrong).toBe(-1);
    expect(bytes.length, 'tile bytes are handed over, not copied').toBe(0);
  });

  it('names every tile that cannot be used, with the reason, and writes nothing', async () => {
    const notFinite = encodeTile(
      [
        { name: 'beauty', data: new Float32Array(37 * 17 * 4).fill(1) },
        { name: 'depth', data: new Float32Array(37 * 17).fill(Number.NaN, 40, 41) },
      ],
      37,
      17,
    );
    const tiles = [
      { tile: 0, region: REGIONS[0]!, bytes: Buffer.from('garbage garbage garbage') },
      { tile: 1, region: REGIONS[1]!, bytes: notFinite },
      { tile: 2, region: REGIONS[2]!, bytes: tileBytes(REGIONS[1]!) },
    ];
    const result = await pool.stitch(requestOf('bad', { tiles }));
    expect(result).toMatchObject({ kind: 'bad_tiles', tiles: [{ tile: 0 }, { tile: 1 }, { tile: 2 }] });
    const reasons = result.kind === 'bad_tiles' ? result.tiles.map(({ reason }) => reason) : [];
    expect(reasons[0]).toContain('GTIL');
    expect(reasons[1]).toBe('layer depth, channel Z is not a finite number at pixel 36,1');
    expect(reasons[2]).toContain('37x17 px instead of 37x23');
    expect((await readdir(folder)).filter((name) => name.includes('bad'))).toEqual([]);
  });

  it('errors keep their code on the way out of the thread', async () => {
    const incomplete = requestOf('gap', { tiles: requestOf('gap').tiles.slice(0, 2) });
    await expect(pool.stitch(incomplete)).rejects.toMatchObject({
      code: 'TILE_MISSING',
      details: { x: 33, y: 17 },
    });
    const elsewhere = requestOf('lost', { folder: join(folder, 'missing') });
    await expect(pool.stitch(elsewhere)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });
});
