import { access, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import type { ErrorCode } from '#shared/errors.js';
import { killProcess, markedProcesses } from '../program/process-tree.js';
import { MARK } from '../program/program-command.js';
import type { TileControl } from '../renderer.js';
import { povrayRenderer } from './renderer.js';
import { ballScene, CAMERA, HEAD, makeTestFolder, type TestFolder, testPovray } from './test-scenes.js';

const povray = await testPovray();
const [WIDTH, HEIGHT] = [40, 30];
const WHOLE: Region = { x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT };
const FREE: TileControl = { isCancelled: () => false, progress: () => undefined };
const SLOT_BYTES = 2 ** 29;
const OUTSIDE = '/var/tmp/guian-povray-test-must-not-exist';

const GOOD: Readonly<Record<string, string>> = {
  plain: ballScene({ light: 'area_light <2,0,0>, <0,2,0>, 4, 4 adaptive 1' }),
  focus: ballScene({ camera: 'aperture 0.4 focal_point <0,0.5,0> blur_samples 12' }),
  glass: ballScene({
    settings: 'photons { spacing 0.1 }',
    more: 'sphere { <1,0.5,-1>,0.4 pigment { rgbt 1 } interior { ior 1.5 } photons { target refraction on } }',
  }),
  jitter: ballScene({ light: 'area_light <2,0,0>, <0,2,0>, 4, 4 adaptive 1 jitter', finish: 'crand 0.2' }),
  radiosity: ballScene({ settings: 'radiosity { count 10 pretrace_start 0.16 pretrace_end 0.08 }' }),
  clock: `${HEAD}${CAMERA}background { rgb <clock, frame_number / 10, 0.5> }`,
  old: `global_settings { assumed_gamma 2.2 }\n${CAMERA}background { rgb 0.5 }`,
  bright: `${HEAD}${CAMERA}background { rgb 1e9 }`,
};

const BAD: readonly (readonly [name: string, text: string, code: ErrorCode, message: RegExp])[] = [
  ['empty', ' \n', 'SCENE_INVALID', /bad\/empty\.pov is empty/],
  ['binary', '\0\x01\x02', 'SCENE_INVALID', /is no scene text/],
  ['syntax', `${HEAD}${CAMERA}sphree { 0, 1 }`, 'SCENE_INVALID', /bad\/syntax\.pov line 4: Expected 'object/],
  ['missing-include', `${HEAD}${CAMERA}#include "gone.inc"`, 'SCENE_FILE_MISSING', /needs gone\.inc/],
  [
    'missing-picture',
    `${HEAD}${CAMERA}sphere { 0, 1 pigment { image_map { png "gone/a name that is long enough to be broken into lines.png" } } }`,
    'SCENE_FILE_MISSING',
    /needs gone\/a name that is long enough to be broken into lines\.png/,
  ],
  [
    'missing-font',
    `${HEAD}${CAMERA}text { ttf "gone.ttf" "a" 1, 0 }`,
    'SCENE_FILE_MISSING',
    /needs gone\.ttf/,
  ],
  [
    'damaged-picture',
    `${HEAD}${CAMERA}sphere { 0, 1 pigment { image_map { png "damaged.png" } } }`,
    'SCENE_INVALID',
    /damaged: Not a PNG file/,
  ],
  [
    'no-camera',
    `${HEAD}// camera { }\nsphere { 0, 1 }`,
    'SCENE_INVALID',
    /bad\/no-camera\.pov has no camera/,
  ],
  ['newer', `#version 3.9;\n${CAMERA}`, 'SCENE_UNSUPPORTED', /asks for POV-Ray 3\.9/],
  ['own-error', `${HEAD}${CAMERA}#error "no such room"`, 'SCENE_INVALID', /stops itself: no such room/],
  [
    'outside',
    `${HEAD}${CAMERA}#include "/etc/hostname"`,
    'SCENE_PATH_ESCAPES',
    /\/etc\/hostname in bad\/outside\.pov/,
  ],
  ['escaping', `${HEAD}${CAMERA}#include "../../x.inc"`, 'SCENE_PATH_ESCAPES', /\.\.\/\.\.\/x\.inc/],
  [
    'writing',
    `${HEAD}${CAMERA}#fopen F concat("${OUTSIDE}", "") write\n#write (F, "1")\n#fclose F`,
    'SCENE_NEEDS_SCRIPTS',
    /writes files .*fopen in bad\/writing\.pov/,
  ],
  [
    'not-a-number',
    `${HEAD}${CAMERA}background { rgb <0/0, 1e300*1e300*0, 0> }`,
    'RENDER_FAILED',
    /is not a number/,
  ],
];

describe.skipIf(!povray)('tiles of a POV-Ray scene', () => {
  let scenes: TestFolder;
  const renderer = povray && povrayRenderer(povray.installation, povray.sandbox);

  beforeAll(async () => {
    scenes = await makeTestFolder({
      // Each in a folder of its own, since all of a package's texts count.
      ...Object.fromEntries(Object.entries(GOOD).map(([name, text]) => [`${name}/${name}.pov`, text])),
      'clock/animated.pov': GOOD['clock']!,
      'clock/animated.ini': 'Initial_Frame=1\nFinal_Frame=11\nInitial_Clock=0\nFinal_Clock=5',
      ...Object.fromEntries(BAD.map(([name, text]) => [`${name}/bad/${name}.pov`, text])),
      'damaged-picture/bad/damaged.png': 'not a picture',
      'loop/loop.pov': `${HEAD}${CAMERA}#while (1) #end`,
      'slow/slow.pov': ballScene({ light: 'area_light <2,0,0>, <0,2,0>, 99, 99' }),
      'memory/memory.pov': `${HEAD}${CAMERA}#declare A = array[10000000];\n#for (I, 0, 9999999) #declare A[I] = "text of some length"; #end`,
    });
  });
  afterAll(() => scenes?.[Symbol.asyncDispose]());

  const open = (slotMemoryBytes = SLOT_BYTES) =>
    renderer!.open({ slotMemoryBytes, scratchFolder: scenes.scratchFolder });

  async function render(
    path: string,
    {
      region = WHOLE,
      frame = 3,
      control = FREE,
      samples = 4,
      memoryBytes = SLOT_BYTES,
      allowScripts = false,
    } = {},
  ) {
    const [folder, ...rest] = path.split('/');
    const scene = { folder: `${scenes.folder}/${folder}`, entry: rest.join('/') };
    const settings = renderSettingsSchema.parse({
      ...{ renderer: 'povray', widthPx: WIDTH, heightPx: HEIGHT, samples, fps: 10, allowScripts },
    });
    const request = { scene, settings, frame };
    const prepared = structuredClone(await renderer!.prepare(request));
    const session = await open(memoryBytes);
    const { layers, use } = await session.render({ ...request, prepared, region }, control);
    await session.close();
    return { data: layers[0]!.data, use };
  }

  const crop = (whole: Float32Array, region: Region): Float32Array => {
    const [width, height] = [regionWidthPx(region), regionHeightPx(region)];
    const data = new Float32Array(width * height * 4);
    for (let y = 0; y < height; y++) {
      const from = ((region.y0 + y) * WIDTH + region.x0) * 4;
      data.set(whole.subarray(from, from + width * 4), y * width * 4);
    }
    return data;
  };

  test.concurrent.each(['plain', 'focus', 'glass', 'jitter', 'radiosity'])(
    'of the scene %s are the whole frame bit for bit, wherever they are cut',
    async (name) => {
      const whole = (await render(`${name}/${name}.pov`)).data;
      expect(new Set(whole).size).toBeGreaterThan(100);
      const regions: Region[] = [
        { x0: 0, y0: 0, x1: 1, y1: 1 },
        { x0: 0, y0: 0, x1: 17, y1: 13 },
        { x0: 17, y0: 0, x1: WIDTH, y1: 13 },
        { x0: 5, y0: 13, x1: 22, y1: HEIGHT },
        { x0: WIDTH - 1, y0: HEIGHT - 1, x1: WIDTH, y1: HEIGHT },
      ];
      for (const region of regions)
        expect((await render(`${name}/${name}.pov`, { region })).data, JSON.stringify(region)).toEqual(
          crop(whole, region),
        );
    },
    30_000,
  );

  test('hold scene-linear premultiplied values, whatever gamma the scene is written for', async () => {
    const one = { x0: 4, y0: 4, x1: 5, y1: 5 };
    const [plain, old, bright] = await Promise.all(
      ['plain', 'old', 'bright'].map((name) => render(`${name}/${name}.pov`, { region: one, samples: 1 })),
    );
    expect([...plain!.data]).toEqual([0.25, 0.5, 0.75, 1]);
    expect(old!.data[0]).toBeCloseTo(0.5 ** 2.2, 3);
    expect(old!.data[3]).toBe(1);
    expect(bright!.data[0]).toBe(65_504);
  });

  test('have the clock of their frame: seconds, or as the settings file beside the scene runs it', async () => {
    const region = { x0: 0, y0: 0, x1: 1, y1: 1 };
    const [still, third, animated] = await Promise.all([
      render('clock/clock.pov', { frame: 0, region }),
      render('clock/clock.pov', { frame: 5, region }),
      render('clock/animated.pov', { frame: 6, region }),
    ]);
    expect([...still.data.subarray(0, 2)]).toEqual([0, 0]);
    expect([...third.data.subarray(0, 2)]).toEqual([0.5, 0.5]);
    expect(animated.data[0]).toBe(2.5);
    expect(animated.data[1]).toBeCloseTo(0.6, 3);
    await expect(render('clock/animated.pov', { frame: 12 })).rejects.toMatchObject({
      code: 'SCENE_INVALID',
      message: expect.stringMatching(/frame 12 is not in the animation's 1 to 11/),
    });
  });

  test.concurrent.each(BAD)(
    'fail with the reason: %s',
    async (name, _text, code, message) => {
      await expect(render(`${name}/bad/${name}.pov`)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    },
    30_000,
  );

  // Without a sandbox POV-Ray writes where the agent may: such a node is for scenes that it trusts.
  test.skipIf(povray?.sandbox !== 'bubblewrap')(
    'never write outside of their scratch folder, also when the scene may write',
    async () => {
      await expect(render('writing/bad/writing.pov', { allowScripts: true })).rejects.toMatchObject({
        code: 'SCENE_INVALID',
        message: expect.stringMatching(/Cannot open user file .* \(write\)/),
      });
      await expect(access(OUTSIDE)).rejects.toMatchObject({ code: 'ENOENT' });
    },
  );

  test.each(['loop/loop.pov', 'slow/slow.pov'])(
    'end within 2 s when they are cancelled: %s',
    async (path) => {
      const cancelAtMs = performance.now() + 1_500;
      const control = { ...FREE, isCancelled: () => performance.now() > cancelAtMs };
      await expect(render(path, { control, samples: 4096 })).rejects.toMatchObject({
        code: 'RENDER_CANCELLED',
      });
      expect(performance.now() - cancelAtMs).toBeLessThan(2_000);
    },
  );

  test('fail when POV-Ray is killed under them, and the next attempt has its pixels', async () => {
    const whole = await render('plain/plain.pov');
    const control = {
      ...FREE,
      isCancelled: () => {
        for (const pid of markedProcesses(MARK, `${scenes.scratchFolder}/`)) killProcess(pid);
        return false;
      },
    };
    await expect(render('slow/slow.pov', { control })).rejects.toMatchObject({
      code: 'RENDER_FAILED',
      message: expect.stringMatching(/^POV-Ray was ended by SIGKILL/),
    });
    expect((await render('plain/plain.pov')).data).toEqual(whole.data);
  });

  test('end at the memory of their slot', async () => {
    await expect(render('memory/memory.pov', { memoryBytes: 2 ** 26 })).rejects.toMatchObject({
      code: 'TILE_MEMORY_LIMIT',
    });
  });

  test('leave nothing in the scratch folder', async () => {
    expect(await readdir(scenes.scratchFolder)).toEqual([]);
  });
});
