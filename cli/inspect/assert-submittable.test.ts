import { expect, test } from 'vitest';
import type { SceneFile, SceneInspection } from '#shared/domain/scene-inspection.js';
import { assertSubmittable, type Insisted, obstacles } from './assert-submittable.js';

const NOTHING: Insisted = { allowScripts: false, allowMissing: false, hasSize: false };
const INSPECTION: SceneInspection = {
  renderer: 'blender',
  rendererVersion: '3.4.1',
  savedWith: '3.4',
  tile: '',
  frames: '1-24',
  fps: 24,
  widthPx: 64,
  heightPx: 48,
  samples: 4,
  scene: 'Scene',
  scenes: ['Scene'],
  camera: 'Camera',
  cameras: ['Camera', 'Side'],
  viewLayers: ['Main'],
  layers: ['beauty'],
  files: [],
  notices: [],
  scripts: [],
  problems: [],
};
const file = (state: SceneFile['state'], index: number): SceneFile => ({
  ...(state !== 'outside' && { path: `tex/${index}.png` }),
  reference: state === 'outside' ? `/elsewhere/${index}.png` : `//tex/${index}.png`,
  what: `image "i${index}"`,
  state,
  sizeBytes: 1,
});
const scene = (changes: Partial<SceneInspection>) => ({
  root: '/p/shot',
  entry: 'a.blend',
  inspection: { ...INSPECTION, ...changes },
  readBy: 'program' as const,
});
const refusal = (changes: Partial<SceneInspection>, insisted: Partial<Insisted> = {}) =>
  obstacles(scene(changes), { ...NOTHING, ...insisted }).map(({ code, message }) => `${code} ${message}`);

test('a scene with all of its files is taken', () => {
  expect(refusal({ files: [file('found', 1)] })).toEqual([]);
});

test('missing files are refused: the first five, and how many more', () => {
  const files = Array.from({ length: 7 }, (_, index) => file('missing', index));
  const [message] = refusal({ files });
  expect(message).toMatch(
    /^SCENE_FILE_MISSING a\.blend: tex\/0\.png \(image "i0"\); .*tex\/4\.png.* and 2 more are missing/,
  );
  expect(message).toContain('--allow-missing');
  expect(message).not.toContain('tex/5.png');
  expect(refusal({ files }, { allowMissing: true })).toEqual([]);
});

test('nobody is told to insist on a POV-Ray scene without its files', () => {
  const [message] = refusal({ renderer: 'povray', files: [file('missing', 1)] });
  expect(message).toMatch(/is missing; put it there$/);
});

test('files that no package holds are told apart from missing ones', () => {
  const [outside, missing] = refusal({ files: [file('missing', 1), file('outside', 2)] });
  expect(outside).toMatch(
    /^SCENE_PATH_ESCAPES .*\/elsewhere\/2\.png .*begins at \/p\/shot and cannot be the whole disk; copy/,
  );
  const near = { ...file('outside', 4), reference: '/p/tex/4.png' };
  expect(refusal({ files: [near] })[0]).toContain(
    'begins at /p/shot; name a higher --root DIR that holds them, copy',
  );
  const hidden = { ...file('outside', 5), reference: '/p/.ssh/id_rsa' };
  expect(refusal({ files: [hidden, near] })[0]).toMatch(
    /^SCENE_PATH_ESCAPES a\.blend: \/p\/\.ssh\/id_rsa .*is not sent, since hidden/,
  );
  expect(missing).toMatch(/^SCENE_FILE_MISSING .* is missing; put it there/);
  const { path: _, ...nameless } = file('found', 3);
  expect(refusal({ files: [nameless] }, { allowMissing: true })[0]).toMatch(
    /^SCENE_PATH_ESCAPES .*cannot be named/,
  );
});

test('problems come first, unless a flag has settled them', () => {
  const told = {
    problems: ['the frame is too large', 'no camera', 'broken'],
    problemCodes: ['FRAME_TOO_LARGE', 'CAMERA_MISSING'],
    camera: '',
  };
  expect(refusal({ ...told, files: [file('missing', 1)] })).toEqual([
    'SCENE_INVALID a.blend: the frame is too large; no camera; broken',
    expect.stringMatching(/^SCENE_FILE_MISSING/),
  ]);
  expect(refusal(told, { hasSize: true })).toEqual(['SCENE_INVALID a.blend: no camera; broken']);
  const both = { hasSize: true, camera: 'Side' };
  expect(refusal(told, both)).toEqual(['SCENE_INVALID a.blend: broken']);
  expect(refusal({ ...told, problems: told.problems.slice(0, 2) }, both)).toEqual([]);
  expect(refusal({ problems: ['no camera'], camera: '' }, both), 'of a node that tells no codes').toEqual([
    'SCENE_INVALID a.blend: no camera',
  ]);
});

test('scripts need consent, and names must be in the file', () => {
  const scripts = ['driver of object "Cube"'];
  expect(() => assertSubmittable(scene({ scripts }), NOTHING)).toThrow(/Cube.*--allow-scripts/);
  expect(() => assertSubmittable(scene({ scripts }), { ...NOTHING, allowScripts: true })).not.toThrow();
  expect(refusal({}, { camera: 'Top' })).toEqual([
    'USAGE_INVALID --camera "Top": a.blend has no such camera; it has Camera, Side',
  ]);
  expect(refusal({}, { viewLayer: 'Fog' })[0]).toContain('--view-layer "Fog"');
  expect(refusal({}, { sceneName: 'Other' })[0]).toContain('--scene "Other"');
});
