import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sceneInspectionSchema } from '#shared/domain/scene-inspection.js';
import { inspectPovray, type PovrayInspectOptions } from './inspect.js';
import { CAMERA, GREY_PPM, HEAD, makeTestFolder, type TestFolder, testPovray } from './test-scenes.js';

const povray = await testPovray();

const ROOM = `// -w320 -h240 +a0.2
${HEAD}#include "camera.inc"
#include "props/table.inc"
// #include "commented-out.inc"
/* a comment that says "so" */
sphere { 0, 1 pigment { image_map { ppm concat("pictures/film", str(frame_number, -3, 0), ".ppm") } } }`;

describe.skipIf(!povray)('inspecting a POV-Ray scene', () => {
  let scenes: TestFolder;
  const inspect = async (entry: string, options: Partial<PovrayInspectOptions> = {}, below = '') => {
    const inspection = await inspectPovray(
      povray!.installation,
      { folder: join(scenes.folder, below), entry },
      { sandbox: povray!.sandbox, scratchFolder: scenes.scratchFolder, allowScripts: false, ...options },
    );
    return sceneInspectionSchema.parse(inspection);
  };

  beforeAll(async () => {
    scenes = await makeTestFolder({
      'room/room.pov': ROOM,
      'room/room.ini': 'Initial_Frame=1\nFinal_Frame=3\nAntialias=On\nAntialias_Depth=3\nSampling_Method=2',
      'room/camera.inc': CAMERA,
      'room/props/table.inc': 'box { 0, 1 pigment { image_map { ppm "pictures/wood.ppm" } } }',
      ...Object.fromEntries(
        ['wood', 'film001', 'film002', 'film003'].map((name) => [`room/pictures/${name}.ppm`, GREY_PPM]),
      ),
      'room/pictures/unused.ppm': GREY_PPM,
      'shared.inc': '#declare Shared = 1;',
      'rooms/hall.pov': `${HEAD}${CAMERA}#include "../shared.inc"`,
      'missing/missing.pov': `${HEAD}${CAMERA}#include "gone.inc"\nsphere { 0, 1 pigment { image_map { png "gone.png" } } }`,
      'writing/writing.pov': `${HEAD}${CAMERA}#fopen F "kept.txt" write\n#write (F, "1")\n#fclose F`,
      'nocamera/nocamera.pov': `${HEAD}sphere { 0, 1 }`,
      'loop/loop.pov': `${HEAD}${CAMERA}#while (1) #end`,
      'broken/broken.pov': `${HEAD}${CAMERA}sphere { 0`,
      'light/light.pov': `${HEAD}${CAMERA}light_source { 5, 1 area_light x, y, 2, 2 jitter }`,
    });
  });
  afterAll(() => scenes?.[Symbol.asyncDispose]());

  test('tells how it is rendered, and every file: named, named by an included one, and a whole sequence', async () => {
    const inspection = await inspect('room.pov', {}, 'room');
    expect(inspection).toMatchObject({
      ...{ renderer: 'povray', rendererVersion: povray!.installation.version, savedWith: '3.7' },
      ...{ frames: '1-3', widthPx: 320, heightPx: 240, samples: 64, camera: 'camera', layers: ['beauty'] },
      ...{ problems: [], scripts: [], notices: [] },
    });
    expect(inspection.files.map(({ state, path }) => `${state} ${path}`).sort()).toEqual([
      'found camera.inc',
      'found pictures/film001.ppm',
      'found pictures/film002.ppm',
      'found pictures/film003.ppm',
      'found pictures/wood.ppm',
      'found props/table.inc',
      'found room.ini',
    ]);
    expect(inspection.files.find(({ path }) => path === 'pictures/wood.ppm')).toMatchObject({
      what: 'picture "pictures/wood.ppm"',
      sizeBytes: GREY_PPM.length,
    });
  });

  test('has files outside of the folder as such, and finds them from a higher one', async () => {
    const inside = await inspect('hall.pov', { looksOutside: true }, 'rooms');
    expect(inside.files).toMatchObject([
      {
        state: 'outside',
        reference: join(scenes.folder, 'shared.inc'),
        what: 'include file "../shared.inc"',
      },
    ]);
    const higher = await inspect('rooms/hall.pov', { looksOutside: true });
    expect(higher.files).toMatchObject([{ state: 'found', path: 'shared.inc' }]);
    expect(higher.problems).toEqual([]);
  });

  test('names all missing files at once', async () => {
    const { files, problems } = await inspect('missing.pov', {}, 'missing');
    expect(files.map(({ state, reference, what }) => [state, reference, what])).toEqual([
      ['missing', 'gone.inc', 'include file "gone.inc"'],
      ['missing', 'gone.png', 'picture "gone.png"'],
    ]);
    expect(problems).toEqual([]);
  });

  test('does not run a scene that writes files unless it may, and then it writes beside nothing', async () => {
    const { scripts, notices } = await inspect('writing.pov', {}, 'writing');
    expect(scripts).toEqual(['fopen in writing.pov']);
    expect(notices).toMatchObject([expect.stringMatching(/not read by POV-Ray, since it writes files/)]);
    expect((await inspect('writing.pov', { allowScripts: true }, 'writing')).problems).toEqual([]);
    await expect(access(join(scenes.folder, 'writing/kept.txt'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('tells problems, an endless loop, and what the farm does otherwise', async () => {
    const [noCamera, broken, loop, light] = await Promise.all([
      inspect('nocamera.pov', {}, 'nocamera'),
      inspect('broken.pov', {}, 'broken'),
      inspect('loop.pov', { timeLimitMs: 1_500 }, 'loop'),
      inspect('light.pov', {}, 'light'),
    ]);
    expect(noCamera.problems).toMatchObject([expect.stringMatching(/^nocamera\.pov has no camera/)]);
    expect(broken.problems).toMatchObject([expect.stringMatching(/^broken\.pov line \d: /)]);
    expect(loop.notices).toMatchObject([expect.stringMatching(/not read it after 2 s/)]);
    expect(light.notices).toMatchObject([expect.stringMatching(/jitter in light\.pov/)]);
  });

  test('refuses what is no scene', async () => {
    await expect(inspect('gone.pov')).rejects.toMatchObject({ code: 'SCENE_FILE_MISSING' });
  });
});
