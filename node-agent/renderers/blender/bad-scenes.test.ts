/** Each way in which a scene would make a wrong picture or none, and what is said of it instead. */
import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LayerName } from '#shared/domain/layers.js';
import type { ErrorCode } from '#shared/errors.js';
import { BlenderProcess } from './blender-process.js';
import { readTileExr } from './read-exr.js';
import { makeTestScenes, type TestScenes, testBlender } from './test-scenes.js';

const blender = await testBlender();
const SETTINGS = { widthPx: 48, heightPx: 32, samples: 1, seed: 0, layers: ['beauty'] as LayerName[] };

const BAD: readonly (readonly [entry: string, code: ErrorCode, message: RegExp])[] = [
  ['empty', 'SCENE_INVALID', /^empty\.blend is empty/],
  ['garbage', 'SCENE_INVALID', /is no \.blend file/],
  ['truncated', 'SCENE_INVALID', /cannot open truncated\.blend: .*cut short/],
  ['truncated-compressed', 'SCENE_INVALID', /cannot open truncated-compressed\.blend/],
  ['gone', 'SCENE_FILE_MISSING', /there is no gone\.blend/],
  ['newer', 'SCENE_UNSUPPORTED', /saved with Blender 4\.5, newer than the/],
  ['missing-texture', 'SCENE_FILE_MISSING', /image "bark" needs textures\/gone\.png/],
  ['missing-sequence-frame', 'SCENE_FILE_MISSING', /image sequence "bark" needs textures\/film\.0005\.png/],
  ['missing-library', 'SCENE_FILE_MISSING', /library .* needs libraries\/gone\.blend/],
  ['changed-library', 'SCENE_FILE_MISSING', /has nothing called "Gone" among its objects/],
  ['damaged-library', 'SCENE_INVALID', /cannot open .*'libraries\/damaged\.blend'.*damaged/],
  ['outside', 'SCENE_PATH_ESCAPES', /image "bark" is \/usr\/share\/.*outside of the scene package/],
  ['escaping', 'SCENE_PATH_ESCAPES', /image "bark" is \/\/\.\.\/secret\.png, outside/],
  ['folder-outside', 'SCENE_PATH_ESCAPES', /fluid cache of "Cube" is .*outside of the scene package/],
  ['picture-noise', 'SCENE_INVALID', /image "bark" needs damaged\/noise\.png, which cannot be read/],
  ['picture-half', 'SCENE_INVALID', /image "bark" needs damaged\/half\.jpg, which cannot be read/],
  ['picture-sequence', 'SCENE_INVALID', /image sequence "bark" needs damaged\/film\.0005\.png, which cannot/],
  ['picture-udim', 'SCENE_INVALID', /UDIM image "bark" needs damaged\/skin\.1002\.png, which cannot be/],
  [
    'picture-no-clip',
    'SCENE_INVALID',
    /movie "bark" needs damaged\/no-clip\.mp4, which cannot be read as a movie/,
  ],
  ['no-camera', 'SCENE_INVALID', /scene "Scene" has no camera/],
  ['no-view-layer', 'SCENE_INVALID', /has no enabled view layer/],
  ['eevee', 'SCENE_UNSUPPORTED', /renders with Eevee, which needs a display and a GPU: choose Cycles/],
  ['grease-pencil', 'SCENE_UNSUPPORTED', /is a grease pencil object/],
  ['script', 'SCENE_NEEDS_SCRIPTS', /text "rig\.py" is registered to run/],
  ['driver', 'SCENE_NEEDS_SCRIPTS', /depends on Driver .*open/],
  ['python-driver', 'SCENE_NEEDS_SCRIPTS', /depends on Driver .*__import__/],
  ['particles', 'SCENE_UNSUPPORTED', /simulation of particles "Smoke" of "Cube" is not baked/],
  ['cloth', 'SCENE_UNSUPPORTED', /simulation of cloth .* is not baked/],
  ['soft-body', 'SCENE_UNSUPPORTED', /simulation of soft body .* is not baked/],
  ['fluid', 'SCENE_UNSUPPORTED', /simulation of fluid .* is not baked/],
  ['rigid-body', 'SCENE_UNSUPPORTED', /simulation of rigid bodies is not baked/],
];
const GOOD = [
  ...['plain', 'compressed', 'baked-particles', 'simple-driver', 'infinite'],
  ...['picture-whole', 'picture-layers', 'picture-clip'],
];

describe.skipIf(!blender)('a .blend file that cannot be rendered right', () => {
  let scenes: TestScenes;
  let folder: string;
  let strict: BlenderProcess;

  const start = async (allowScripts: boolean, sandbox = blender!.sandbox): Promise<BlenderProcess> => {
    const process = await BlenderProcess.start(
      { ...blender!, sandbox, allowScripts, threads: 1, sceneFolder: folder, memoryBytesMax: 2 ** 31 },
      join(scenes.folder, 'slot'),
    );
    await process.ready();
    return process;
  };
  const pixels = async (
    process: BlenderProcess,
    name: string,
    allow: { scripts?: true; missing?: true } = {},
  ) => {
    const may = { allowScripts: allow.scripts ?? false, allowMissing: allow.missing ?? false };
    await process.open({ kind: 'open', folder, entry: `${name}.blend`, ...may });
    const region = { x0: 0, y0: 0, x1: 48, y1: 32 };
    const file = await process.render({ frame: 5, region, settings: SETTINGS });
    return readTileExr(file, 48, 32, ['beauty'])[0]!.data;
  };

  beforeAll(async () => {
    scenes = await makeTestScenes(blender!, 'bad');
    folder = join(scenes.folder, 'package');
    strict = await start(false);
  });
  afterAll(async () => {
    await strict?.close();
    await scenes?.[Symbol.asyncDispose]();
  });

  // All in one Blender: none of them may harm what comes after it.
  test.each(BAD)('%s: %s', async (name, code, message) => {
    await expect(pixels(strict, name)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test.each(GOOD)('%s is none of these', async (name) => {
    expect(Math.max(...(await pixels(strict, name)))).toBeGreaterThan(0);
  });

  test('its scripts and drivers have not run', async () => {
    expect(await readdir(scenes.folder)).not.toContain('script-was-here');
  });

  test('where missing files are allowed they are missing, and nothing outside of the package is read instead', async () => {
    for (const name of [
      'missing-texture',
      'missing-library',
      'changed-library',
      'outside',
      'escaping',
      'picture-noise',
    ])
      expect(Math.max(...(await pixels(strict, name, { missing: true }))), name).toBeGreaterThan(0);
  });

  test('names that a scene does not have are refused with those that it has', async () => {
    await pixels(strict, 'plain');
    const region = { x0: 0, y0: 0, x1: 8, y1: 8 };
    for (const [setting, message] of [
      [{ camera: 'Eye' }, /no camera "Eye"; it has "Camera"/],
      [{ scene: 'Other' }, /no scene "Other"; it has "Scene"/],
      [{ viewLayer: 'Fog' }, /no view layer "Fog"; it has "ViewLayer"/],
    ] as const)
      await expect(
        strict.render({ frame: 1, region, settings: { ...SETTINGS, ...setting } }),
      ).rejects.toMatchObject({ code: 'SCENE_INVALID', message: expect.stringMatching(message) });
    expect(await pixels(strict, 'plain')).toEqual(await pixels(strict, 'compressed'));
  });

  test('where scripts may run a driver moves what it drives', async () => {
    const free = await start(true);
    try {
      const plain = await pixels(free, 'plain', { scripts: true });
      expect(await pixels(free, 'python-driver', { scripts: true })).not.toEqual(plain);
      expect(await pixels(free, 'script', { scripts: true })).toEqual(plain);
      expect(await pixels(free, 'known-function', { scripts: true })).not.toEqual(plain);
    } finally {
      await free.close();
    }
  });

  test('where scripts may run, one that fails when the file is opened and a driver that cannot be computed are named', async () => {
    const free = await start(true);
    try {
      for (const [name, message] of [
        ['failing-script', /^the text "rig\.py" .* failed in line 2 \(RuntimeError: no rig\): mend it/],
        ['unknown-function', /^the driver of object "Cube" \(location\) cannot be computed: rig\(frame\)/],
        ['division', /^the driver of object "Cube" \(location\) cannot be computed: 1 \/ 0/],
      ] as const)
        await expect(pixels(free, name, { scripts: true }), name).rejects.toMatchObject({
          code: 'SCENE_INVALID',
          message: expect.stringMatching(message),
        });
      expect(await pixels(free, 'plain', { scripts: true })).toEqual(await pixels(strict, 'plain'));
    } finally {
      await free.close();
    }
  });

  test('a picture of which the disk takes a part only is no picture, though Blender says that it is finished', async () => {
    // Without walls its process id is that of Blender itself.
    const blender = await start(false, 'none');
    try {
      await pixels(blender, 'plain');
      execFileSync('prlimit', ['--pid', String(blender.pid), '--fsize=4000']);
      await expect(pixels(blender, 'plain')).rejects.toMatchObject({
        code: 'RENDER_FAILED',
        message: expect.stringMatching(/has 4000 bytes of \d+|is not complete/),
      });
    } finally {
      await blender.close();
    }
  });
});
