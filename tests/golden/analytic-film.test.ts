/**
 * Where things land on the film, against arithmetic done by hand: cameras, animated poses and coverage. Scenes are real glTF files, loaded and traced as a node does it. Edges are put on pixel borders
 * and key times on binary fractions, so that each pixel is covered fully or not at all and numbers are exact.
 */
import { describe, expect, it } from 'vitest';
import {
  AnalyticScene,
  renderScene,
  SQUARE,
  SQUARE_INDICES,
  type Triple,
  turnAbout,
} from '#tests/support/analytic-scene.js';
import { imageBytes } from '#tests/support/gltf-scenes.js';

const UNLIT = { unlit: true } as const;
const rectangle = (x0: number, y0: number, x1: number, y1: number) => ({ x0, y0, x1, y1 });

describe('cameras', () => {
  it.each([
    // Film 16 px wide: half extents of 4 m × 2 m on 16 × 8 px put 2 px on a metre.
    { film: [16, 8], xmag: 4, ymag: 2, covered: rectangle(8, 1, 12, 5) },
    // ymag rules and the frame's aspect gives the width: 16 × 16 px at ±4 m.
    { film: [16, 16], xmag: 1, ymag: 4, covered: rectangle(8, 5, 12, 9) },
    { film: [32, 8], xmag: 2, ymag: 2, covered: rectangle(16, 1, 20, 5) },
  ])(
    'orthographic of ±$xmag × ±$ymag m on $film px: edges on the very pixels',
    async ({ film, xmag, ymag, covered }) => {
      const scene = new AnalyticScene();
      scene.orthographic(xmag, ymag);
      // x from 0 to 2 m, y from −0.5 to 1.5 m.
      scene.square(scene.material(UNLIT), { at: [1, 0.5, -3] });
      const picture = await renderScene(scene, { widthPx: film[0]!, heightPx: film[1]! });
      expect(picture.coveredRectangle()).toEqual(covered);
    },
  );

  it.each([
    // tan(yfov/2) = ½: at 4 m the film is ±2 m high, and as wide as the frame's aspect says.
    { film: [16, 16], aspectInFile: 1, covered: rectangle(8, 2, 16, 10) },
    { film: [32, 16], aspectInFile: 1, covered: rectangle(16, 2, 24, 10) },
    { film: [8, 16], aspectInFile: 2, covered: rectangle(4, 2, 8, 10) },
  ])(
    'perspective of tan(yfov/2) = ½ on $film px: height is kept, width is the frame’s',
    async ({ film, aspectInFile, covered }) => {
      const scene = new AnalyticScene();
      scene.perspective(2 * Math.atan(0.5), {}, aspectInFile);
      scene.square(scene.material(UNLIT), { at: [1, 0.5, -4] });
      const picture = await renderScene(scene, { widthPx: film[0]!, heightPx: film[1]! });
      expect(picture.coveredRectangle()).toEqual(covered);
    },
  );

  it('stand, turn and hang under parents like any node, without their scale', async () => {
    const scene = new AnalyticScene();
    const camera = scene.orthographic(4, 4, { at: [0, 0, 1] });
    // Turned by 90° about y the camera looks along −X from x = 10 + 3 × 1.
    const parent = scene.document.createNode().setTranslation([10, 1, 0]).setScale([3, 3, 3]);
    scene.scene.addChild(parent.setRotation([...turnAbout('y', 90)]).addChild(camera));
    scene.square(scene.material(UNLIT), { at: [0, 2, -2], turn: turnAbout('y', 90) });
    // Its right is world −Z: the square's z from −3 to −1 is 1 to 3 m to the right, y from 0 to 2 m above the axis.
    const picture = await renderScene(scene, { widthPx: 16, heightPx: 16 });
    expect(picture.coveredRectangle()).toEqual(rectangle(10, 4, 14, 8));
  });

  it('cut what is nearer than their near plane', async () => {
    for (const [distance, isSeen] of [
      [0.009, false],
      [0.011, true],
    ] as const) {
      const scene = new AnalyticScene();
      scene.perspective(0.5);
      scene.square(scene.material(UNLIT), { at: [0, 0, -distance] });
      expect((await renderScene(scene)).mean(3)).toBe(isSeen ? 1 : 0);
    }
  });
});

/** A film of 16 × 16 px on which a metre is a pixel and (0, 0) is the middle. */
function meterFilm(): AnalyticScene {
  const scene = new AnalyticScene();
  scene.orthographic(8);
  return scene;
}
const METER_FILM = { widthPx: 16, heightPx: 16, fps: 8 } as const;
/** Pixels of a square of 2 m whose middle is at (x, y). */
const squareAt = (x: number, y: number) => rectangle(7 + x, 7 - y, 9 + x, 9 - y);

describe('animation at time = frame ÷ fps', () => {
  async function coveredAt(scene: AnalyticScene, frame: number) {
    return (await renderScene(scene, { ...METER_FILM, frame })).coveredRectangle();
  }

  it.each([
    // Keys at 0, ½ and 1 s; frames are eighths of a second.
    {
      interpolation: 'LINEAR',
      values: [0, 0, 0, 4, 2, 0, 4, -6, 0],
      seen: [
        [0, 0, 0],
        [2, 2, 1],
        [4, 4, 2],
        [5, 4, 0],
        [8, 4, -6],
        [20, 4, -6],
      ],
    },
    {
      interpolation: 'STEP',
      values: [0, 0, 0, 4, 2, 0, 4, -6, 0],
      seen: [
        [0, 0, 0],
        [3, 0, 0],
        [4, 4, 2],
        [7, 4, 2],
        [8, 4, -6],
        [9, 4, -6],
      ],
    },
  ] as const)(
    'translation $interpolation puts a square on the very pixels',
    async ({ interpolation, values, seen }) => {
      const scene = meterFilm();
      const node = scene.square(scene.material(UNLIT));
      scene.animate(node, { path: 'translation', times: [0, 0.5, 1], values, interpolation });
      for (const [frame, x, y] of seen)
        expect(await coveredAt(scene, frame), `frame ${frame}`).toEqual(squareAt(x, y));
    },
  );

  it('translation CUBICSPLINE goes by Hermite’s formula, tangents times the time between keys', async () => {
    // glTF 2.0, appendix C.5: halfway ½ p0 + ⅛ td m0 + ½ p1 − ⅛ td m1; at ¼ the weights are 27/32, 9/64, 5/32, −3/64.
    const scene = meterFilm();
    const node = scene.square(scene.material(UNLIT));
    const key = (tangentIn: Triple, value: Triple, tangentOut: Triple) => [
      ...tangentIn,
      ...value,
      ...tangentOut,
    ];
    scene.animate(node, {
      path: 'translation',
      times: [0, 2],
      values: [...key([9, 9, 0], [0, -4, 0], [16, 32, 0]), ...key([0, 32, 0], [0, 4, 0], [9, 9, 0])],
      interpolation: 'CUBICSPLINE',
    });
    expect(await coveredAt(scene, 0)).toEqual(squareAt(0, -4));
    // td = 2 s: x = ⅛ × 2 × 16 = 4, y = 0 + ⅛ × 2 × (32 − 32) = 0.
    expect(await coveredAt(scene, 8)).toEqual(squareAt(4, 0));
    // ¼ of the way: x = 9/64 × 2 × 16 = 4.5, y = −4 × 27/32 + 4 × 5/32 + 2 × 32 × (9/64 − 3/64) = 3.25.
    const picture = await renderScene(scene, { ...METER_FILM, widthPx: 64, heightPx: 64, frame: 4 });
    expect(picture.coveredRectangle()).toEqual(rectangle(28 + 18, 28 - 13, 36 + 18, 36 - 13));
    expect(await coveredAt(scene, 16)).toEqual(squareAt(0, 4));
  });

  it('rotation takes the short way at constant speed, scale grows in proportion', async () => {
    const scene = meterFilm();
    const node = scene.square(scene.material(UNLIT), { at: [0, 2, 0] });
    const pivot = scene.document.createNode().addChild(node);
    scene.scene.addChild(pivot);
    // Half a turn about z, the end given with the opposite sign: 90° at half time.
    const end = turnAbout('z', 179.999).map((part) => -part);
    scene.animate(pivot, { path: 'rotation', times: [0, 1], values: [0, 0, 0, 1, ...end] });
    scene.animate(node, { path: 'scale', times: [0, 1], values: [1, 1, 1, 3, 5, 1] });
    expect(await coveredAt(scene, 0)).toEqual(squareAt(0, 2));
    const picture = await renderScene(scene, { ...METER_FILM, frame: 4 });
    // Scaled to ±2 × ±3 m about (0, 2) and turned: x from −5 to 1, y from −2 to 2.
    const alpha = picture.channel(3);
    for (let y = 0; y < 16; y++) {
      for (let x = 0; x < 16; x++) {
        const isInside = x >= 3 && x < 9 && y >= 6 && y < 10;
        expect(Math.abs(alpha[y]![x]! - (isInside ? 1 : 0)), `${x},${y}`).toBeLessThan(0.07);
      }
    }
  });

  it('a skin moves vertices by their joints’ weights, whatever its own node does', async () => {
    const scene = meterFilm();
    const joints = [scene.document.createNode(), scene.document.createNode()] as const;
    for (const joint of joints) scene.scene.addChild(joint);
    const skin = scene.document.createSkin().addJoint(joints[0]).addJoint(joints[1]);
    // The second joint rests at x = 1: its inverse bind matrix takes that away.
    joints[1].setTranslation([1, 0, 0]);
    const identity = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
    const inverse = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -1, 0, 0, 1];
    skin.setInverseBindMatrices(scene.accessor('MAT4', [...identity, ...inverse]));
    const node = scene.square(
      scene.material(UNLIT),
      { at: [100, 100, 0] },
      {
        JOINTS_0: new Uint8Array([0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
        // The left corners follow the first joint alone, the right ones both by half.
        WEIGHTS_0: [1, 0, 0, 0, 0.5, 0.5, 0, 0, 0.5, 0.5, 0, 0, 1, 0, 0, 0],
      },
    );
    node.setSkin(skin);
    scene.animate(joints[1], { path: 'translation', times: [0, 1], values: [1, 0, 0, 9, 0, 0] });
    expect(await coveredAt(scene, 0)).toEqual(squareAt(0, 0));
    // The joint has gone 8 m: the right edge 4 m.
    expect(await coveredAt(scene, 8)).toEqual(rectangle(7, 7, 13, 9));
  });

  it('morph targets add up by their animated weights', async () => {
    const scene = meterFilm();
    const material = scene.material(UNLIT);
    const mesh = scene.mesh({ attributes: SQUARE, indices: SQUARE_INDICES, material });
    const wide = [0, 0, 0, 4, 0, 0, 4, 0, 0, 0, 0, 0];
    const tall = [0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 6, 0];
    for (const offsets of [wide, tall]) {
      const target = scene.document
        .createPrimitiveTarget()
        .setAttribute('POSITION', scene.accessor('VEC3', offsets));
      mesh.listPrimitives()[0]!.addTarget(target);
    }
    const node = scene.show(mesh.setWeights([0, 0.5]));
    expect(await coveredAt(scene, 0)).toEqual(rectangle(7, 4, 9, 9));
    scene.animate(node, { path: 'weights', times: [0, 1], values: [0, 0, 1, 0.5] });
    expect(await coveredAt(scene, 0)).toEqual(squareAt(0, 0));
    expect(await coveredAt(scene, 8)).toEqual(rectangle(7, 4, 13, 9));
    const picture = await renderScene(scene, { ...METER_FILM, widthPx: 32, heightPx: 32, frame: 4 });
    expect(picture.coveredRectangle()).toEqual(rectangle(14, 11, 22, 18));
  });
});

describe('coverage', () => {
  it('nothing over no environment is black and transparent', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(1);
    scene.square(scene.material(UNLIT), { at: [50, 0, 0] });
    const picture = await renderScene(scene);
    expect(picture.channel(0).concat(picture.channel(3)).flat()).toEqual(Array(128).fill(0));
  });

  it('MASK keeps what reaches its cutoff: factor × texture × vertex alpha', async () => {
    const picture = await imageBytes(
      'png',
      4,
      1,
      [0, 127, 128, 255].flatMap((a) => [255, 255, 255, a]),
    );
    const scene = new AnalyticScene();
    scene.orthographic(1);
    const material = scene.material({ ...UNLIT, picture, alphaMode: 'MASK' });
    material.getBaseColorTextureInfo()!.setMagFilter(9728);
    const node = scene.square(material);
    const full = await renderScene(scene);
    expect(full.channel(3)[4]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect(full.at(6, 4)).toEqual([1, 1, 1, 1]);
    material.setBaseColorFactor([1, 1, 1, 0.75]).setAlphaCutoff(0.5);
    expect((await renderScene(scene)).channel(3)[4]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    const colors = scene.accessor('VEC4', Array(4).fill([1, 1, 1, 0.6]).flat());
    node.getMesh()!.listPrimitives()[0]!.setAttribute('COLOR_0', colors);
    expect((await renderScene(scene)).channel(3)[4]).toEqual(Array(8).fill(0));
  });

  it('BLEND covers by alpha, premultiplied, and layers hide each other in proportion', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.5);
    scene.square(scene.material({ ...UNLIT, color: [0.8, 0.4, 0, 0.25], alphaMode: 'BLEND' }));
    const one = await renderScene(scene, { samples: 256 });
    const alpha = one.mean(3);
    // Surfaces are hit or missed at random, evenly spread: 16,384 samples are within 0.5 %.
    expect(Math.abs(alpha - 0.25)).toBeLessThan(0.005);
    expect(one.mean(0) / alpha).toBeCloseTo(0.8, 5);
    expect(one.mean(1) / alpha).toBeCloseTo(0.4, 5);
    // Over an opaque ground: 0.25 of the one, 0.75 of the other, and nothing shines through.
    scene.square(scene.material({ ...UNLIT, color: [0, 0, 1] }), { at: [0, 0, -1] });
    const two = await renderScene(scene, { samples: 256 });
    expect(two.mean(3)).toBe(1);
    expect(two.mean(0)).toBeCloseTo(0.2, 2);
    expect(Math.abs(two.mean(2) - 0.75)).toBeLessThan(0.005);
  });

  it('BLEND lets 1 − alpha of the light through, and a lit ground shows it', async () => {
    const radiance = async (alpha: number) => {
      const scene = new AnalyticScene();
      scene.orthographic(0.1);
      scene.square(scene.material({ color: [0.5, 0.5, 0.5] }));
      // Off the camera's axis, on the light's way: at 45° it passes x = −1 at z = 1.
      scene.square(scene.material({ color: [0, 0, 0, alpha], alphaMode: 'BLEND', doubleSided: true }), {
        at: [-1.5, 0, 1.5],
        turn: turnAbout('y', -45),
      });
      scene.light('directional', 100, { turn: turnAbout('y', -45) });
      return (await renderScene(scene, { samples: 4 })).mean(0);
    };
    const free = await radiance(0);
    expect(free).toBeGreaterThan(5);
    expect((await radiance(0.4)) / free).toBeCloseTo(0.6, 2);
    expect((await radiance(1)) / free).toBeLessThan(0.01);
  });
});
