/** The example that others copy from, loaded as an agent loads it. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadModule } from '#node-agent/renderers/load-module.js';
import { rendererConformance } from './renderer-conformance.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/bring-your-own-renderer', import.meta.url));

rendererConformance('clay, of examples/bring-your-own-renderer', async (folder) => {
  const scene = { folder: join(folder, 'package'), entry: 'scene.json' };
  await mkdir(scene.folder);
  await copyFile(join(EXAMPLE, scene.entry), join(scene.folder, scene.entry));
  return {
    renderer: await loadModule(join(EXAMPLE, 'clay-renderer.mjs')),
    layers: ['beauty', 'albedo', 'normal', 'depth'],
    scene,
    settings: { samples: 2 },
    slow: { settings: { samples: 65_536 } },
  };
});
