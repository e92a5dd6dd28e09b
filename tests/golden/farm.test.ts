/** Invariant 1 through the whole farm: EXR masters have the very bits that one renderer makes in one piece. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { gltfRenderer } from '#node-agent/renderers/gltf/renderer.js';
import { syntheticRenderer } from '#node-agent/renderers/synthetic/renderer.js';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { exrChannelName, LAYERS } from '#shared/domain/layers.js';
import { GLTF_LAYERS } from '#shared/domain/renderers.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import { guian, REPOSITORY, testFolder } from '#tests/integration/cli-program.js';
import { renderWholeFrame } from '#tests/support/whole-frame.js';

const SIZE = { widthPx: 120, heightPx: 68 };
const FRAME = 13;
const SAMPLES = 2;
const SEED = 11;
const everyLayer = { layers: [...GLTF_LAYERS], ...SIZE, samples: SAMPLES, seed: SEED };

const cases = [
  {
    name: 'gltf',
    args: [join(REPOSITORY, 'examples', 'valley', 'valley.glb'), '--env', 'sky'],
    renderer: gltfRenderer,
    scene: { folder: join(REPOSITORY, 'examples', 'valley'), entry: 'valley.glb' },
    settings: renderSettingsSchema.parse({ ...everyLayer, environment: { kind: 'sky' } }),
  },
  {
    name: 'synthetic',
    args: ['--renderer', 'synthetic'],
    renderer: syntheticRenderer,
    scene: { folder: '', entry: 'pattern' },
    settings: renderSettingsSchema.parse({ ...everyLayer, renderer: 'synthetic' }),
  },
];

describe.each([1, 3])('a farm of %i agent(s)', (agents) => {
  let farm: Farm;
  beforeAll(async () => {
    farm = await startFarm({ agents, slots: 2 });
  });
  afterAll(async () => {
    await farm.stop();
  });

  describe.each(cases)('$name', ({ name, args, renderer, scene, settings }) => {
    const whole = renderWholeFrame(renderer, scene, settings, FRAME);

    it.each(['16', '37x53', '64', '256', '1920x1080'])('tiles of %s px: the same bits', async (tile) => {
      using folder = testFolder();
      const ended = await guian(
        [
          ...['render', ...args, '--coordinator', farm.coordinatorAddress, '--name', `${name}-frame`],
          ...[
            '--frames',
            String(FRAME),
            '--size',
            `${SIZE.widthPx}x${SIZE.heightPx}`,
            '--samples',
            String(SAMPLES),
          ],
          ...['--seed', String(SEED), '--tile', tile, '--layers', GLTF_LAYERS.join(','), '--format', 'exr'],
          ...['--out', folder.work],
        ],
        folder,
      );
      expect(ended.code, ended.stderr).toBe(0);
      const picture = decodeExr(
        readFileSync(join(folder.work, `${name}-frame.${String(FRAME).padStart(4, '0')}.exr`)),
      );
      expect([picture.widthPx, picture.heightPx]).toEqual([SIZE.widthPx, SIZE.heightPx]);
      const { layers } = await whole;
      for (const layer of layers) expectSamePlanes(layer, picture.planes);
    });
  });
});

/** Interleaved samples of a layer against the file's planes, as bit patterns. */
function expectSamePlanes(layer: LayerSamples, planes: ReturnType<typeof decodeExr>['planes']): void {
  const { channels } = LAYERS[layer.name];
  channels.forEach((channel, at) => {
    const name = exrChannelName(LAYERS[layer.name], channel);
    const plane = planes.find((candidate) => candidate.name === name);
    expect(plane, `channel ${name}`).toBeDefined();
    const expected = layer.data.filter((_, index) => index % channels.length === at);
    expect(plane!.data.byteLength, name).toBe(expected.byteLength);
    expect(Buffer.compare(asBytes(plane!.data), asBytes(expected)), `bits of channel ${name}`).toBe(0);
  });
}

function asBytes(data: Uint16Array | Float32Array | Uint32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
