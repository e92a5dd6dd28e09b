import { existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { sceneInspectionSchema } from '#shared/domain/scene-inspection.js';
import { inspectPovray, type PovrayInspectOptions } from './inspect.js';
import { libraryFolders } from './library-folders.js';
import { povrayRenderer } from './renderer.js';
import { CAMERA, GREY_PPM, HEAD, makeTestFolder, type TestFolder, testPovray } from './test-scenes.js';

const povray = await testPovray();

const ROOM = `// -w320 -h240 +a0.2
${HEAD}#include "camera.inc"
#include "props/table.inc"
// #include "commented-out.inc"
/* a comment that says "so" */
sphere { 0, 1 pigment { image_map { ppm concat("pictures/film", str(frame_number, -3, 0), ".ppm") } } }`;

const WRITTEN = '/var/tmp/guian-povray-inspect-test-must-not-exist';
const PLAIN = `${HEAD}${CAMERA}sphere { 0, 1 }\n`;
const WRITE = '#fopen F concat("WRITTEN", "") write #write (F, "x") #fclose F';
/** Scenes that write a file in ways that are easily overlooked. */
const WRITING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a zero byte': { 's.pov': `${PLAIN}#include "evil.inc"`, 'evil.inc': `// \0\n${WRITE}` },
  'a picture by its name': { 's.pov': `${PLAIN}#include "evil.png"`, 'evil.png': `// \0\n${WRITE}` },
  'a picture that calls the library': {
    's.pov': `${PLAIN}#include "arrays.inc"\n#include "evil.png"`,
    'evil.png': `// \0\n#declare A = array[1] { 1 }\nARRAYS_WriteDF3(A, "WRITTEN", 8)`,
  },
  'a carriage return': { 's.pov': `${PLAIN}// \r${WRITE}` },
  'words in two files': {
    's.pov': `${PLAIN}#fopen F concat("WRITTEN", "")\n#include "w.inc"\n#fclose F`,
    'w.inc': ' write ',
  },
  'a macro': {
    's.pov': `${PLAIN}#include "w.inc"\n#fopen F concat("WRITTEN", "") W()\n#fclose F`,
    'w.inc': '#macro W() write #end',
  },
  'a computed name': { 's.pov': `${PLAIN}#include concat("ev", "il.inc")`, 'evil.inc': WRITE },
  'a file of the library by a computed name': {
    's.pov': `${PLAIN}#include concat("arr", "ays.inc")\n#declare A = array[1] { 1 }\nARRAYS_WriteDF3(A, "WRITTEN", 8)`,
  },
};

/** Those that use POV-Ray's own include files need them. */
function writings(): string[] {
  const folders = povray ? libraryFolders(povray.installation) : [];
  const names = Object.keys(WRITING);
  if (folders.some((folder) => existsSync(join(folder, 'arrays.inc')))) return names;
  console.warn('tests with POV-Ray include files do not run: apt-get install povray-includes');
  return names.filter((name) => !name.includes('library'));
}

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
      ...Object.fromEntries(
        Object.entries(WRITING).flatMap(([name, files]) =>
          Object.entries(files).map(([file, text]) => [
            `hidden-${name}/${file}`,
            text.replaceAll('WRITTEN', WRITTEN),
          ]),
        ),
      ),
      'huge/huge.pov': `${HEAD}${CAMERA}`,
      'huge/huge.ini': 'Width=60000\nHeight=60000',
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

  test.each(writings())('finds the write without leave where nothing holds it: %s', async (name) => {
    const scene = { folder: join(scenes.folder, `hidden-${name}`), entry: 's.pov' };
    const { scripts, notices } = await inspect('s.pov', { sandbox: 'none' }, `hidden-${name}`);
    expect(scripts).not.toEqual([]);
    expect(notices).toMatchObject([expect.stringMatching(/since it writes files/)]);
    const settings = renderSettingsSchema.parse({
      widthPx: 8,
      heightPx: 8,
      samples: 1,
      layers: ['beauty'],
    });
    const renderer = povrayRenderer(povray!.installation, 'none');
    await expect(renderer.prepare({ scene, settings, frame: 0 })).rejects.toMatchObject({
      code: 'SCENE_NEEDS_SCRIPTS',
    });
    await expect(access(WRITTEN)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('tells a size that the farm does not take', async () => {
    expect(await inspect('huge.pov', {}, 'huge')).toMatchObject({
      ...{ widthPx: 60_000, heightPx: 60_000 },
      problems: [expect.stringMatching(/^frames of 60000x60000 px are larger than the farm takes/)],
      problemCodes: ['FRAME_TOO_LARGE'],
    });
  });

  test('tells problems, an endless loop, and what the farm does otherwise', async () => {
    const [noCamera, broken, loop, light] = await Promise.all([
      inspect('nocamera.pov', {}, 'nocamera'),
      inspect('broken.pov', {}, 'broken'),
      inspect('loop.pov', { timeLimitMs: 1_500 }, 'loop'),
      inspect('light.pov', {}, 'light'),
    ]);
    expect(noCamera.problems).toMatchObject([expect.stringMatching(/^nocamera\.pov has no camera/)]);
    expect([noCamera, broken].map(({ problemCodes }) => problemCodes)).toEqual([['CAMERA_MISSING'], ['']]);
    expect(broken.problems).toMatchObject([expect.stringMatching(/^broken\.pov line \d: /)]);
    expect(loop.notices).toMatchObject([expect.stringMatching(/not read it after 2 s/)]);
    expect(light.notices).toMatchObject([expect.stringMatching(/jitter in light\.pov/)]);
  });

  test('refuses what is no scene', async () => {
    await expect(inspect('gone.pov')).rejects.toMatchObject({ code: 'SCENE_FILE_MISSING' });
  });
});
