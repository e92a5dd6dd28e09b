import { expect, test } from 'vitest';
import { jobRequest } from './job-request.js';
import { parseRenderFlags } from './render-flags.js';
import type { ScenePackage } from './scene-package.js';

const PACKAGE: ScenePackage = {
  manifest: { entry: 'a.blend', files: [] },
  fileOf: new Map(),
  environment: { kind: 'auto', path: '' },
  renderer: 'blender',
  name: 'a',
  sourceRoot: '/p/shot',
  inspection: {
    ...{ renderer: 'blender', rendererVersion: '3.4.1', savedWith: '3.4', frames: '1-24', fps: 25 },
    ...{ widthPx: 64, heightPx: 48, samples: 4, scene: 'Scene', scenes: ['Scene'] },
    ...{ camera: 'Camera', cameras: ['Camera'], viewLayers: ['Main'], layers: ['beauty', 'normal'] },
    ...{ files: [], notices: [], scripts: [], problems: [], tile: '' },
  },
};

test('what is not given is what the scene says of itself, so that nobody needs to look into it again', () => {
  const { frames, rendererVersion, settings } = jobRequest(parseRenderFlags({}), PACKAGE);
  expect({ frames, rendererVersion }).toEqual({ frames: '1-24', rendererVersion: '' });
  expect(settings).toMatchObject({
    ...{
      renderer: 'blender',
      widthPx: 64,
      heightPx: 48,
      samples: 4,
      fps: 25,
      camera: 'Camera',
      scene: 'Scene',
    },
    ...{ layers: ['beauty', 'normal'], sourceRoot: '/p/shot', allowScripts: false, allowMissing: false },
  });
});

test('flags win', () => {
  const flags = parseRenderFlags({
    ...{ frames: '7', size: '10x20', samples: '9', fps: '50', camera: 'Side', passes: 'depth' },
    ...{
      viewLayer: 'Main',
      threadsPerSlot: '2',
      allowScripts: true,
      allowMissing: true,
      rendererVersion: '3.6+x',
    },
  });
  const { frames, rendererVersion, settings } = jobRequest(flags, PACKAGE);
  expect({ frames, rendererVersion }).toEqual({ frames: '7', rendererVersion: '3.6+x' });
  expect(settings).toMatchObject({
    ...{
      widthPx: 10,
      heightPx: 20,
      samples: 9,
      fps: 50,
      camera: 'Side',
      layers: ['depth'],
      viewLayer: 'Main',
    },
    ...{ threadsPerSlot: 2, allowScripts: true, allowMissing: true },
  });
});

test('a glTF scene is left to the coordinator, one that nobody can read gets the defaults', () => {
  const { inspection: _, sourceRoot: __, ...plain } = PACKAGE;
  const gltf = jobRequest(parseRenderFlags({}), { ...plain, renderer: 'gltf' });
  expect(gltf).toMatchObject({
    frames: '',
    tile: 'auto',
    settings: { widthPx: 0, samples: 0, layers: [], sourceRoot: '' },
  });
  const own = jobRequest(parseRenderFlags({ renderer: 'mine' }), { ...plain, renderer: 'mine' });
  expect(own).toMatchObject({ frames: '0', settings: { renderer: 'mine', widthPx: 1920, samples: 64 } });
});
