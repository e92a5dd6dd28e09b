import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gltfRenderer } from '#node-agent/renderers/gltf/renderer.js';
import { GLTF_LAYERS } from '#shared/domain/renderers.js';
import { rendererConformance } from './renderer-conformance.js';

const VALLEY = fileURLToPath(new URL('../../../examples/valley/valley.glb', import.meta.url));

rendererConformance('gltf', async (folder) => {
  const scene = { folder: join(folder, 'package'), entry: 'valley.glb' };
  await mkdir(scene.folder);
  await copyFile(VALLEY, join(scene.folder, scene.entry));
  return {
    renderer: gltfRenderer,
    layers: GLTF_LAYERS,
    scene,
    settings: { samples: 2 },
    slow: { settings: { samples: 65_536 } },
  };
});
