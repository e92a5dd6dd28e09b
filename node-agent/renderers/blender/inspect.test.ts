import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sceneInspectionSchema } from '#shared/domain/scene-inspection.js';
import { type InspectOptions, inspectBlender } from './inspect.js';
import { makeTestScenes, type TestScenes, testBlender } from './test-scenes.js';

const blender = await testBlender();

describe.skipIf(!blender)('what a .blend file says of itself', () => {
  let shots: TestScenes;
  let bad: TestScenes;

  const inspect = (scenes: TestScenes, name: string, options: Partial<InspectOptions> = {}) =>
    inspectBlender(
      blender!.installation,
      { folder: join(scenes.folder, 'package'), entry: `${name}.blend` },
      {
        ...{ sandbox: blender!.sandbox, scratchFolder: join(scenes.folder, 'slot'), allowScripts: false },
        ...options,
      },
    );

  beforeAll(async () => {
    [shots, bad] = await Promise.all([makeTestScenes(blender!, 'shot'), makeTestScenes(blender!, 'bad')]);
  });
  afterAll(async () => {
    await shots?.[Symbol.asyncDispose]();
    await bad?.[Symbol.asyncDispose]();
  });

  test('how it wants to be rendered, what the farm does otherwise, and its files', async () => {
    const inspection = await inspect(shots, 'shot');
    expect(sceneInspectionSchema.parse(inspection)).toMatchObject({
      ...{ renderer: 'blender', rendererVersion: blender!.installation.version },
      ...{ frames: '1-4', fps: 24, widthPx: 48, heightPx: 32, samples: 4 },
      ...{ scene: 'Scene', scenes: ['Scene'], camera: 'Camera', cameras: ['Camera'] },
      ...{ viewLayers: ['ViewLayer', 'Second'], layers: ['beauty', 'normal', 'depth'] },
      ...{ scripts: [], problems: [] },
    });
    expect(blender!.installation.version.startsWith(inspection.savedWith)).toBe(true);
    expect(inspection.files.map(({ path, state }) => `${state} ${path}`).sort()).toEqual([
      'found libraries/base.blend',
      'found libraries/prop.blend',
      'found textures/bark.png',
      'found textures/film.0001.png',
      'found textures/film.0002.png',
      'found textures/film.0003.png',
      'found textures/film.0004.png',
    ]);
    const notices = inspection.notices.join('\n');
    for (const word of [
      /adaptive sampling is off/,
      /denoising is off/,
      /compositor/,
      /"ViewLayer" is rendered/,
    ])
      expect(notices).toMatch(word);
  });

  test('each kind of file that it needs, once for every frame of a sequence', async () => {
    const { files } = await inspect(shots, 'needs');
    expect(files.map(({ what, path, state }) => [what, path, state])).toEqual([
      ['image "bark"', 'textures/bark.png', 'found'],
      ['movie "clip"', 'clips/loop.mp4', 'missing'],
      ['image sequence "frames"', 'frames/f_021.exr', 'missing'],
      ['image sequence "frames"', 'frames/f_022.exr', 'missing'],
      ['UDIM image "udim"', 'udim/skin.1001.png', 'missing'],
      ['UDIM image "udim"', 'udim/skin.1002.png', 'missing'],
      ['mesh cache, modifier "Shape" of "Needs"', 'caches/shape.pc2', 'missing'],
      ['node "IES Texture" of "Lamp"', 'lights/lamp.ies', 'missing'],
      ['volume "smoke"', 'smoke/s_0001.vdb', 'missing'],
      ['volume "smoke"', 'smoke/s_0002.vdb', 'missing'],
    ]);
  });

  test('the files of a baked simulation, and of two scenes the one that the file shows', async () => {
    const [cache, choices] = await Promise.all([inspect(shots, 'disk-cache'), inspect(shots, 'choices')]);
    expect(cache.problems).toEqual([]);
    expect(cache.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['blendcache_disk-cache/smoke_000001_00.bphys']),
    );
    expect(choices).toMatchObject({ scene: 'Own', scenes: ['Own', 'Scene'], camera: 'Camera' });
    expect(choices.notices.join()).toMatch(/cameras take turns/);
  });

  test('files that are missing or lie outside, and on a client whether they are there', async () => {
    const [missing, outside, own] = await Promise.all([
      inspect(bad, 'missing-texture'),
      inspect(bad, 'escaping'),
      inspect(bad, 'escaping', { looksOutside: true }),
    ]);
    expect(missing.files).toEqual([
      {
        ...{ path: 'textures/gone.png', reference: '//textures/gone.png', what: 'image "bark"' },
        ...{ state: 'missing', sizeBytes: 0 },
      },
    ]);
    const reference = join(bad.folder, 'secret.png');
    expect(outside.files).toMatchObject([{ reference, state: 'outside' }]);
    expect(own.files).toMatchObject([{ reference, state: 'missing' }]);
  });

  test('a folder outside is walked on a client alone', async () => {
    const [node, client] = await Promise.all([
      inspect(bad, 'folder-outside', { sandbox: 'none' }),
      inspect(bad, 'folder-outside', { looksOutside: true, sandbox: 'none' }),
    ]);
    const folder = join(bad.folder, 'private');
    expect(node.files).toMatchObject([{ reference: folder, state: 'outside', sizeBytes: 0 }]);
    expect(client.files.length).toBeGreaterThan(1);
    for (const { reference } of client.files) expect(dirname(dirname(reference))).toBe(folder);
  });

  test('a camera that is missing, by its code', async () => {
    const { problems, problemCodes } = await inspect(bad, 'no-camera');
    expect(problemCodes).toEqual(['CAMERA_MISSING', ...problems.slice(1).map(() => '')]);
    expect(problems[0]).toMatch(/has no camera/);
  });

  test('pictures that cannot be read, each tile and frame by name', async () => {
    const all = ['noise', 'half', 'sequence', 'udim', 'whole', 'layers'];
    const found = await Promise.all(all.map((name) => inspect(bad, `picture-${name}`)));
    const files = ['noise.png', 'half.jpg', 'film.0005.png', 'skin.1002.png', '', ''];
    expect(found.map(({ problems }) => problems)).toEqual(
      files.map((file) => (file ? [expect.stringContaining(`damaged/${file}, which cannot be read`)] : [])),
    );
  });

  test('what stands in the way, and scripts by name', async () => {
    const [particles, eevee, script, driver] = await Promise.all(
      ['particles', 'eevee', 'script', 'python-driver'].map((name) => inspect(bad, name)),
    );
    expect(particles!.problems).toEqual([expect.stringMatching(/particles "Smoke" of "Cube" is not baked/)]);
    expect(eevee!.problems).toEqual([expect.stringMatching(/Eevee/)]);
    expect(script!.scripts).toEqual(['text "rig.py", registered to run when the file is opened']);
    expect(driver!.scripts).toEqual([`driver of object "Cube" (location): __import__('math').sqrt(4)`]);
    expect(driver!.problems).toEqual([]);
  });

  test('a file that cannot be opened is refused with the reason', async () => {
    for (const [name, code] of [
      ['truncated', 'SCENE_INVALID'],
      ['newer', 'SCENE_UNSUPPORTED'],
    ] as const)
      await expect(inspect(bad, name)).rejects.toMatchObject({ code });
    await expect(inspect(shots, 'shot', { timeLimitMs: 1 })).rejects.toMatchObject({
      code: 'TILE_TIME_LIMIT',
    });
  });
});
