import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { LAYERS } from '#shared/domain/layers.js';
import { decodeTile, encodeTile } from '#shared/image/tile-codec.js';
import { SESSION } from '#tests/support/session.js';
import { syntheticRenderer, syntheticTile } from './renderer.js';
import { syntheticPixel } from './synthetic-pixel.js';

const settings = renderSettingsSchema.parse({
  renderer: 'synthetic',
  widthPx: 40,
  heightPx: 30,
  seed: 5,
  layers: ['beauty', 'albedo', 'normal', 'depth'],
});
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-synthetic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function sceneOf(text: string) {
  await writeFile(join(folder, 'synthetic.json'), text);
  return { folder, entry: 'synthetic.json' };
}

test('any tile holds the pixels that the whole frame has there, in every layer', () => {
  const side = fc.integer({ min: 0, max: 29 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: -3, max: 50 }), (x0, y0, frame) => {
      const region = { x0, y0, x1: x0 + 3, y1: y0 + 2 };
      for (const { name, data } of syntheticTile(settings, frame, region)) {
        const channels = LAYERS[name].channels.length;
        for (let index = 0; index < data.length; index++) {
          const pixel = Math.floor(index / channels);
          const [x, y] = [x0 + (pixel % 3), y0 + Math.floor(pixel / 3)];
          expect(data[index]).toBe(syntheticPixel(name, x, y, index % channels, frame, 5));
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('neighbouring pixels, frames and seeds differ', () => {
  const values = new Set<number>();
  for (let x = 0; x < 64; x++) values.add(syntheticPixel('beauty', x, 9, 0, 0, 0));
  expect(values.size).toBeGreaterThan(50);
  const row = (frame: number, seed: number) =>
    Array.from({ length: 16 }, (_, x) => syntheticPixel('beauty', x, 0, 0, frame, seed));
  expect(row(0, 0)).not.toEqual(row(1, 0));
  expect(row(0, 0)).not.toEqual(row(0, 1));
});

test('the wire changes no sample', () => {
  const region = { x0: 0, y0: 0, x1: 40, y1: 30 };
  const layers = syntheticTile(settings, 3, region);
  const bytes = encodeTile(layers, 40, 30);
  const again = decodeTile(bytes, { layers: settings.layers, widthPx: 40, heightPx: 30 });
  const depth = again.layers.find((layer) => layer.name === 'depth')!;
  expect(depth.data).toEqual(layers.find((layer) => layer.name === 'depth')!.data);
});

describe('a synthetic scene', () => {
  const cases: [string, RegExp][] = [
    ['no json', /synthetic\.json is not JSON/],
    ['{"costMs": -1}', /costMs/],
    ['{"failTiles": ["1;2"]}', /failTiles\.0.*top-left/],
    ['{"prepareFault": "sulk"}', /prepareFault/],
    ['{"bufferTiles": "*"}', /bufferTiles/],
    ['{"failWhileFile": "../passwd"}', /failWhileFile.*without a folder/],
    ['{"unknown": 1}', /unknown/],
  ];
  test.each(cases)('%s is refused by name', async (text, says) => {
    const scene = await sceneOf(text);
    await expect(syntheticRenderer.prepare({ scene, settings, frame: 0 })).rejects.toThrow(says);
  });

  test('fails where it is asked to, and while the fault is there if it names one', async () => {
    const fault = `guian-fault-${randomBytes(6).toString('hex')}`;
    const scene = await sceneOf(JSON.stringify({ failTiles: ['0,0'], failWhileFile: fault }));
    const prepared = await syntheticRenderer.prepare({ scene, settings, frame: 0 });
    const session = await syntheticRenderer.open(SESSION);
    const request = { scene, settings, frame: 0, prepared, region: { x0: 0, y0: 0, x1: 4, y1: 4 } };
    const control = { isCancelled: () => false, progress: () => undefined };
    await writeFile(join(tmpdir(), fault), '');
    await expect(session.render(request, control)).rejects.toMatchObject({ code: 'RENDER_FAILED' });
    await rm(join(tmpdir(), fault));
    expect((await session.render(request, control)).layers).toHaveLength(settings.layers.length);
    await session.close();
  });

  test('may ask for every tile to go wrong', async () => {
    const scene = await sceneOf('{"failTiles": ["*"]}');
    const prepared = await syntheticRenderer.prepare({ scene, settings, frame: 0 });
    const session = await syntheticRenderer.open(SESSION);
    const request = { scene, settings, frame: 0, prepared, region: { x0: 8, y0: 4, x1: 12, y1: 8 } };
    const control = { isCancelled: () => false, progress: () => undefined };
    await expect(session.render(request, control)).rejects.toThrow(/tile 8,4 fails/);
  });

  test('costs what it says, and is cancelled while it does', async () => {
    const scene = await sceneOf('{"costMs": 60}');
    const prepared = await syntheticRenderer.prepare({ scene, settings, frame: 0 });
    const session = await syntheticRenderer.open(SESSION);
    const request = { scene, settings, frame: 0, prepared, region: { x0: 0, y0: 0, x1: 4, y1: 4 } };
    const startMs = performance.now();
    await session.render(request, { isCancelled: () => false, progress: () => undefined });
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(60);
    let asked = 0;
    const control = { isCancelled: () => ++asked > 2, progress: () => undefined };
    await expect(session.render(request, control)).rejects.toMatchObject({ code: 'RENDER_CANCELLED' });
    await session.close();
  });
});
