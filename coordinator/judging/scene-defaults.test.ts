import { describe, expect, it } from 'vitest';
import { glbOf, SceneBuilder, TRIANGLE } from '#tests/support/gltf-scenes.js';
import { changed, judge, refusal } from '#tests/support/judge-files.js';

describe('the frames and defaults of a scene', () => {
  function animated(seconds: number): SceneBuilder {
    const builder = new SceneBuilder();
    const node = builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    builder.animate(node, {
      path: 'translation',
      times: [0, seconds],
      values: [0, 0, 0, 1, 0, 0],
      animation: 'walk',
    });
    builder.animate(node, {
      path: 'translation',
      times: [0, seconds * 2],
      values: [0, 0, 0, 1, 0, 0],
      animation: 'run',
    });
    return builder;
  }

  it.each([
    ['the whole first animation at 24 fps', 2, {}, '0-48'],
    ['the fps that is asked for', 2, { fps: 10 }, '0-20'],
    ['the animation that is asked for', 2, { animation: 'run' }, '0-96'],
    ['float32 key times', 0.1, { fps: 30 }, '0-3'],
    ['an animation shorter than a frame', 0.01, {}, '0'],
  ])('are %s', async (_, seconds, wanted, frames) => {
    const glb = await glbOf(animated(seconds).document);
    expect((await judge({ 'scene.glb': glb }, wanted)).defaults.frames).toBe(frames);
  });

  it("come from the scene's extras", async () => {
    const builder = animated(2);
    builder.scene.setExtras({
      guian: {
        size: '320x180',
        samples: 16,
        fps: 12,
        exposure: -1,
        view: 'aces',
        animation: 'run',
        environment: 'white',
        note: 1,
      },
    });
    const { defaults, warnings } = await judge({ 'scene.glb': await glbOf(builder.document) });
    expect(defaults).toEqual({
      frames: '0-48',
      widthPx: 320,
      heightPx: 180,
      samples: 16,
      fps: 12,
      exposureEv: -1,
      view: 'aces',
      animation: 'run',
      environment: { kind: 'white' },
    });
    expect(warnings).toEqual([expect.stringContaining('note')]);
  });

  it.each([
    ['size', '320 by 180'],
    ['size', '0x100'],
    ['samples', 0],
    ['fps', 'fast'],
    ['view', 'film'],
    ['frames', '9-1'],
    ['exposure', null],
  ])('are refused by field: %s = %j', async (field, value) => {
    const error = await refusal(
      changed((json) => Object.assign(json.scenes![0]!, { extras: { guian: { [field]: value } } })),
    );
    expect(error.code).toBe('SCENE_INVALID');
    expect(error.message).toContain(`extras.guian.${field}`);
  });

  it('must name a camera that exists', async () => {
    const files = changed((json) =>
      Object.assign(json.scenes![0]!, { extras: { guian: { camera: 'eye' } } }),
    );
    expect((await refusal(files)).message).toContain('camera "eye" does not exist');
  });
});
