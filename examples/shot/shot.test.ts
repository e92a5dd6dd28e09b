/** The committed shot is what its generator makes, and asks for what the README promises. */
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { inspectBlender } from '#node-agent/renderers/blender/inspect.js';
import { blenderRenderer } from '#node-agent/renderers/blender/renderer.js';
import { testBlender } from '#node-agent/renderers/blender/test-scenes.js';
import { makeScratchFolder } from '#node-agent/renderers/program/scratch.js';
import { startProgram } from '#node-agent/renderers/program/start-program.js';
import { type RenderSettings, renderSettingsSchema } from '#shared/domain/job.js';
import type { LayerPixels } from '#shared/domain/layers.js';
import { LIMITS } from '#shared/limits.js';
import { makeSlot } from '#tests/support/session.js';

const HERE = fileURLToPath(new URL('../../../examples/shot', import.meta.url));
const PACKAGE = [
  'shot.blend',
  'library/lanterns.blend',
  ...['lantern-paper', 'roof-tiles', 'stone'].map((name) => `textures/${name}.png`),
];
const PACKAGE_BYTES_MAX = 500_000;
const MEMORY_BYTES_MAX = 2 ** 30;
const [WIDTH, HEIGHT] = [64, 36];
const FREE = { isCancelled: () => false, progress: () => undefined };
const blender = await testBlender();

test('everything of it is small', () => {
  const bytes = PACKAGE.reduce((sum, path) => sum + statSync(join(HERE, path)).size, 0);
  expect(bytes).toBeLessThan(PACKAGE_BYTES_MAX);
});

describe.skipIf(!blender)('with Blender', () => {
  test('it says what it is, and needs its library and pictures and nothing else', async () => {
    await using slot = await makeSlot();
    const { installation, sandbox } = blender!;
    const inspection = await inspectBlender(
      installation,
      { folder: HERE, entry: 'shot.blend' },
      { sandbox, scratchFolder: slot.scratchFolder, allowScripts: false },
    );
    expect(inspection).toMatchObject({
      ...{ frames: '1-24', fps: 24, widthPx: 480, heightPx: 270, samples: 16, camera: 'slider' },
      ...{ scripts: [], problems: [], notices: [] },
    });
    expect(inspection.files.map(({ path, state }) => `${state} ${path}`).sort()).toEqual(
      PACKAGE.slice(1).map((path) => `found ${path}`),
    );
  });

  test('the generator makes the committed shot: both render to the same bits', async () => {
    const folder = await makeScratchFolder(tmpdir(), 'guian-shot');
    try {
      await generate(folder);
      for (const frame of [1, 20]) expect(await picture(folder, frame)).toEqual(await picture(HERE, frame));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

async function generate(folder: string): Promise<void> {
  const program = startProgram({
    executable: blender!.installation.executable,
    args: [
      ...['-b', '--factory-startup', '-noaudio', '--python-exit-code', '1'],
      ...['-P', join(HERE, 'generate.py'), '--', folder],
    ],
    ...{ sandbox: 'none', readableFolders: [HERE], scratchFolder: join(folder, 'scratch') },
    ...{ memoryBytesMax: MEMORY_BYTES_MAX, fileBytesMax: LIMITS.sceneBytesMax },
  });
  program.end();
  const { code } = await program.exited;
  expect(code, program.logTail()).toBe(0);
}

async function picture(folder: string, frame: number): Promise<readonly LayerPixels[]> {
  await using slot = await makeSlot();
  const renderer = blenderRenderer(blender!.installation, blender!.sandbox);
  const settings: RenderSettings = renderSettingsSchema.parse({
    ...{ renderer: 'blender', widthPx: WIDTH, heightPx: HEIGHT, samples: 2 },
    layers: ['beauty', 'normal', 'depth'],
  });
  const scene = { folder, entry: 'shot.blend' };
  const session = await renderer.open(slot);
  try {
    const prepared = await renderer.prepare({ scene, settings, frame });
    const region = { x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT };
    return (await session.render({ scene, settings, frame, region, prepared }, FREE)).layers;
  } finally {
    await session.close();
  }
}
