import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { syntheticRenderer } from '#node-agent/renderers/synthetic/renderer.js';
import { LAYER_NAMES } from '#shared/domain/layers.js';
import { rendererConformance } from './renderer-conformance.js';

rendererConformance('synthetic', async (folder) => {
  const scene = { folder: join(folder, 'package'), entry: 'pattern.json' };
  await mkdir(scene.folder);
  await writeFile(join(scene.folder, scene.entry), '{ "prepareMs": 1 }');
  return {
    renderer: syntheticRenderer,
    layers: LAYER_NAMES,
    scene,
    slow: { settings: { syntheticCostMs: 600_000 } },
  };
});
