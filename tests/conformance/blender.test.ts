import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { blenderRenderer } from '#node-agent/renderers/blender/renderer.js';
import { type TestBlender, testBlender } from '#node-agent/renderers/blender/test-scenes.js';
import { startProgram } from '#node-agent/renderers/program/start-program.js';
import { LAYER_NAMES } from '#shared/domain/layers.js';
import { makeSlot } from '#tests/support/session.js';
import { rendererConformance } from './renderer-conformance.js';

const SCRIPT = fileURLToPath(new URL('./make_shot.py', import.meta.url));
const MIB = 2 ** 20;
const blender = await testBlender();

rendererConformance(
  'blender',
  async (folder) => {
    const scene = { folder: join(folder, 'package'), entry: 'shot.blend' };
    await mkdir(scene.folder);
    await makeShot(blender!, join(scene.folder, scene.entry));
    return {
      renderer: blenderRenderer(blender!.installation, blender!.sandbox),
      layers: LAYER_NAMES,
      scene,
      settings: { samples: 2 },
      slow: { settings: { samples: 65_536 } },
      program: { executable: blender!.installation.executable, tinySlotBytes: 16 * MIB },
    };
  },
  { isProgram: true, missing: blender ? undefined : 'there is no Blender' },
);

/** @throws Error with Blender's log. */
async function makeShot({ installation }: TestBlender, file: string): Promise<void> {
  await using slot = await makeSlot();
  const program = startProgram({
    executable: installation.executable,
    args: [
      ...['-b', '--factory-startup', '-noaudio', '-t', '1', '--python-exit-code', '3'],
      ...['-P', SCRIPT, '--', file],
    ],
    sandbox: 'none',
    readableFolders: [dirname(SCRIPT), dirname(file)],
    scratchFolder: slot.scratchFolder,
    memoryBytesMax: slot.slotMemoryBytes,
    fileBytesMax: 64 * MIB,
  });
  program.end();
  const { code } = await program.exited;
  if (code !== 0) throw new Error(`no scene of Blender's:\n${program.logTail()}`);
}
