import { expect, test } from 'vitest';
import { logFault, missingFile, unwrapped } from './log-fault.js';
import { type RunOptions, renderIni } from './render-ini.js';
import { animationOf, readComments, readSceneIni } from './scene-ini.js';

const OPTIONS: RunOptions = {
  ...{
    input: 'scene.pov',
    libraries: [],
    widthPx: 8,
    heightPx: 6,
    samples: 64,
    threads: 1,
    frame: 2,
    fps: 4,
  },
  ...{ area: { x0: 1, y0: 2, x1: 4, y1: 6 }, sceneIni: {}, quality: 9, hasAlpha: true },
};

test('settings files and comments tell the picture and the animation, and no files or commands', () => {
  const text = `; a comment
    Width = 320 ; px
    height=240
    Input_File_Name="/etc/passwd"
    Pre_Scene_Command=rm
    Initial_Frame=1
    Final_Frame=20
    +KC +a0.2 +AM2 -R3
    [Low]
    Width=80`;
  expect(readSceneIni(text)).toEqual({
    ...{ widthPx: 320, heightPx: 240, initialFrame: 1, finalFrame: 20, isCyclic: true },
    ...{ isAntialiased: true, antialiasThreshold: 0.2, samplingMethod: 2, antialiasDepth: 3 },
  });
  expect(readComments('// -w640 -h480 -a\n// a -w1 in words\nsphere { }')).toEqual({
    ...{ widthPx: 640, heightPx: 480, isAntialiased: false },
  });
  expect(animationOf({ initialFrame: 3, finalFrame: 9 })).toEqual({ first: 3, last: 9 });
  expect(animationOf({ initialFrame: 3 })).toBeUndefined();
});

test('the area is 1-based and inclusive, samples are a depth of method 2, the clock is in seconds', () => {
  const lines = renderIni(OPTIONS).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'Start_Column=2',
      'End_Column=4',
      'Start_Row=3',
      'End_Row=6',
      'Antialias_Depth=3',
    ]),
  );
  expect(lines).toEqual(expect.arrayContaining(['Subset_Start_Frame=2', 'Final_Frame=2', 'Final_Clock=0.5']));
  expect(renderIni({ ...OPTIONS, samples: 1 })).toMatch(/^Antialias=Off$/m);
  expect(renderIni({ ...OPTIONS, frame: -2 })).toMatch(/^Clock=-0.5$/m);
});

test('log lines broken at 80 columns are joined again, and tell the missing file', () => {
  const log = `File 'a.pov' line 3: Possible Parse Error: Cannot find file '${'x'.repeat(40)}\n${'y'.repeat(50)}.png', even after\n trying to append file type extension.\nFatal error in parser: Cannot open file.`;
  expect(missingFile(unwrapped(log))).toBe(`${'x'.repeat(40)}${'y'.repeat(50)}.png`);
  expect(logFault(unwrapped(log))?.code).toBe('SCENE_FILE_MISSING');
  expect(logFault('POV-Ray finished')).toBeUndefined();
});

test('what a scene says as it stops itself is its own', () => {
  const log = "File 'a.pov' line 3: Parse Error: Parse halted by #error directive: std::bad_alloc";
  expect(logFault(log)).toMatchObject({
    code: 'SCENE_INVALID',
    message: 'the scene stops itself: std::bad_alloc',
  });
  expect(logFault('std::bad_alloc')?.code).toBe('TILE_MEMORY_LIMIT');
});
