/** Invariant 1 at the renderer: whatever the tiling and the order, the same bits as the frame rendered whole. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { tileGrid } from '#coordinator/planning/tile-grid.js';
import { gltfRenderer } from '#node-agent/renderers/gltf/renderer.js';
import type { LocalScene, Renderer } from '#node-agent/renderers/renderer.js';
import { syntheticRenderer } from '#node-agent/renderers/synthetic/renderer.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import { LAYERS } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { GLTF_LAYERS } from '#shared/domain/renderers.js';
import { decodeTile, type LayerSamples } from '#shared/image/tile-codec.js';
import { renderTiles, renderWholeFrame } from '#tests/support/whole-frame.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MODELS = join(ROOT, '..', 'shared', 'scenes');
const TILES = [
  [16, 16],
  [37, 53],
  [64, 64],
  [256, 256],
] as const;

interface GoldenCase {
  readonly title: string;
  readonly renderer: Renderer;
  readonly scene: LocalScene;
  readonly settings: Parameters<typeof renderSettingsSchema.parse>[0];
  readonly frame: number;
}

const everyLayer = { layers: [...GLTF_LAYERS] };
const cases: GoldenCase[] = [
  {
    title: 'synthetic',
    renderer: syntheticRenderer,
    scene: { folder: '', entry: 'pattern' },
    settings: { renderer: 'synthetic', widthPx: 211, heightPx: 97, samples: 4, seed: 7, ...everyLayer },
    frame: 3,
  },
  {
    title: 'the valley',
    renderer: gltfRenderer,
    scene: { folder: join(ROOT, 'examples', 'valley'), entry: 'valley.glb' },
    settings: { widthPx: 131, heightPx: 73, samples: 3, environment: { kind: 'sky' }, ...everyLayer },
    frame: 20,
  },
];
const environment = { kind: 'file', path: 'env/spiaggia_di_mondello_1k.hdr' };
const models: GoldenCase[] = [
  ['CornellBox/CornellBox.glb', 0, {}],
  ['Fox/Fox.glb', 7, { animation: 'Run' }],
  ['FlightHelmet/FlightHelmet.gltf', 0, { environment }],
].map(([entry, frame, settings]) => ({
  title: entry as string,
  renderer: gltfRenderer,
  scene: { folder: MODELS, entry: entry as string },
  settings: { widthPx: 90, heightPx: 70, samples: 2, seed: 5, ...everyLayer, ...(settings as object) },
  frame: frame as number,
}));
if (existsSync(MODELS)) cases.push(...models);
else console.warn(`real models are not rendered: there is no folder ${MODELS}`);

describe.each(cases)('$title', ({ renderer, scene, settings: wanted, frame }) => {
  const settings = renderSettingsSchema.parse(wanted);
  const whole = renderWholeFrame(renderer, scene, settings, frame);

  it('is a picture, not a flat colour', async () => {
    const { layers } = await whole;
    expect(new Set(layers[0]!.data).size).toBeGreaterThan(20);
  });

  it.each(TILES)(
    'in tiles of %i×%i px, last tile first, equals the whole frame bit for bit',
    async (width, height) => {
      const grid = tileGrid(settings, { tileWidthPx: width, tileHeightPx: height });
      const regions = Array.from({ length: grid.count }, (_, index) =>
        grid.regionOfTile(grid.count - 1 - index),
      );
      const tiles = await renderTiles(renderer, scene, settings, frame, regions);
      const { layers } = await whole;
      tiles.forEach((bytes, index) => {
        const region = regions[index]!;
        const tile = decodeTile(bytes, {
          layers: settings.layers,
          widthPx: regionWidthPx(region),
          heightPx: regionHeightPx(region),
        });
        tile.layers.forEach((layer, at) => {
          const expected = cut(layers[at]!, settings, region);
          expect(
            Buffer.compare(bits(layer.data), bits(expected)),
            `${layer.name} of tile at ${region.x0},${region.y0}`,
          ).toBe(0);
        });
      });
    },
  );
});

/** The rectangle `region` of a whole layer. */
function cut(layer: LayerSamples, settings: RenderSettings, region: Region): Uint16Array | Float32Array {
  const channels = LAYERS[layer.name].channels.length;
  const rowLength = regionWidthPx(region) * channels;
  const out = layer.data.slice(0, rowLength * regionHeightPx(region));
  for (let y = region.y0; y < region.y1; y++) {
    const from = (y * settings.widthPx + region.x0) * channels;
    out.set(layer.data.subarray(from, from + rowLength), (y - region.y0) * rowLength);
  }
  return out;
}

function bits(data: Uint16Array | Float32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
