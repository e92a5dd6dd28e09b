import { describe, expect, it } from 'vitest';
import { type SceneInspection, sceneInspectionSchema } from '#shared/domain/scene-inspection.js';
import { readInspection } from './read-inspection.js';

const inspection = (changes: Partial<SceneInspection> = {}): SceneInspection =>
  sceneInspectionSchema.parse({
    ...{ renderer: 'blender', rendererVersion: '3.4.1', savedWith: '3.4.1', frames: '1-24', fps: 25 },
    ...{ widthPx: 320, heightPx: 180, samples: 16, scene: 'Scene', scenes: ['Scene'], camera: 'Cam' },
    ...{ cameras: ['Cam', 'Side'], viewLayers: ['ViewLayer'], layers: ['beauty', 'depth'] },
    ...{ files: [], notices: [], scripts: [], problems: [] },
    ...changes,
  });
const file = (state: 'found' | 'missing' | 'outside', reference: string) => ({
  ...{ state, reference, what: 'image "bark"', sizeBytes: 0 },
});
const ALLOWED = { entry: 'shot.blend' };

describe('what a scene says of itself', () => {
  it('is taken for what the request leaves out', () => {
    expect(readInspection(inspection({ notices: ['no adaptive\nsampling'] }), ALLOWED)).toEqual({
      defaults: {
        ...{ frames: '1-24', fps: 25, widthPx: 320, heightPx: 180, samples: 16, camera: 'Cam' },
        layers: ['beauty', 'depth'],
      },
      warnings: ['no adaptive sampling'],
    });
  });

  it('that is empty leaves the farm its own values', () => {
    const empty = { frames: '', fps: 0, widthPx: 0, heightPx: 0, samples: 0, camera: '', layers: [] };
    expect(readInspection(inspection(empty), ALLOWED).defaults).toEqual({ frames: '0' });
  });

  it.each([
    ['problems', { problems: ['no\ncamera', 'no light'] }, {}, 'SCENE_INVALID', /no camera \(and 1 more\)/],
    [
      'a missing file',
      { files: [file('found', 'a.png'), file('missing', '//b.png'), file('outside', '/c.png')] },
      {},
      'SCENE_FILE_MISSING',
      /image "bark" needs "\/\/b\.png", which is missing \(and 1 more\)/,
    ],
    ['scripts', { scripts: ['text "rig.py"'] }, {}, 'SCENE_NEEDS_SCRIPTS', /needs text "rig\.py"/],
    ['frames that are none', { frames: '1..3' }, {}, 'SCENE_INVALID', /frames of shot\.blend/],
    ['another camera', {}, { camera: 'Top' }, 'JOB_SPEC_INVALID', /camera is "Top".*"Cam", "Side"/],
    ['another view layer', {}, { viewLayer: 'fg' }, 'JOB_SPEC_INVALID', /view_layer is "fg"/],
  ])('refuses %s', (_what, changes, asked, code, message) => {
    const read = () => readInspection(inspection(changes), { ...ALLOWED, ...asked });
    expect(read).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
    expect(read).toThrow(expect.objectContaining({ message: expect.not.stringContaining('\n') }));
  });

  it('is insisted on: missing files are warnings, allowed scripts run', () => {
    const scene = inspection({ files: [file('missing', '//b.png')], scripts: ['text "rig.py"'] });
    const { warnings } = readInspection(scene, { ...ALLOWED, allowMissing: true, allowScripts: true });
    expect(warnings).toEqual(['image "bark" needs "//b.png", which is missing']);
  });
});
