import { describe, expect, it } from 'vitest';
import {
  SceneBuilder,
  TRIANGLE,
  triangleJson,
  writeGlbFolder,
  writeSceneFolder,
} from '#tests/support/gltf-scenes.js';
import { corners, cornerValues, loadDocument, loadFolder, rounded } from '#tests/support/load-scene.js';

const S = Math.SQRT1_2;
const NORMALS = [0, 0, 1, 0, 0, 1, 0, 0, 1];

/** Loads frame `frame` at 10 fps and returns the first corner, which stands at the mesh's origin. */
async function firstCorner(builder: SceneBuilder, frame: number, settings: object = {}) {
  return corners(await loadDocument(builder.document, { fps: 10, ...settings }, frame)).slice(0, 3);
}

function moving() {
  const builder = new SceneBuilder();
  const node = builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE, NORMAL: NORMALS } }));
  return { builder, node };
}

describe('interpolation', () => {
  const times = [1, 2];
  it.each([
    ['before the first key', 'LINEAR', [1, 0, 0, 3, 0, 0], 0, 1],
    ['on a key', 'LINEAR', [1, 0, 0, 3, 0, 0], 10, 1],
    ['between keys', 'LINEAR', [1, 0, 0, 3, 0, 0], 15, 2],
    ['after the last key', 'LINEAR', [1, 0, 0, 3, 0, 0], 99, 3],
    ['at a negative frame', 'LINEAR', [1, 0, 0, 3, 0, 0], -5, 1],
    ['in steps', 'STEP', [1, 0, 0, 3, 0, 0], 19, 1],
    ['in steps, on the key', 'STEP', [1, 0, 0, 3, 0, 0], 20, 3],
    // Hermite from 1 to 3 with slopes 4 and 0 per second: at half time 2 + (4 − 0) ÷ 8.
    ['along a spline', 'CUBICSPLINE', [0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 9, 9, 9], 15, 2.5],
    ['before a spline', 'CUBICSPLINE', [0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 9, 9, 9], 5, 1],
    ['after a spline', 'CUBICSPLINE', [0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 9, 9, 9], 30, 3],
  ] as const)('%s (%s)', async (_, interpolation, values, frame, x) => {
    const { builder, node } = moving();
    builder.animate(node, { path: 'translation', times, values, interpolation });
    expect(await firstCorner(builder, frame)).toEqual([x, 0, 0]);
  });

  it('rotations turn at constant speed', async () => {
    const { builder, node } = moving();
    builder.animate(node, { path: 'rotation', times: [0, 1], values: [0, 0, 0, 1, 0, 0, S, S] });
    const scene = await loadDocument(builder.document, { fps: 3 }, 1);
    expect(corners(scene).slice(3, 6)).toEqual(rounded([Math.cos(Math.PI / 6), 0.5, 0]));
  });

  it('rotations take the shorter way', async () => {
    const { builder, node } = moving();
    builder.animate(node, { path: 'rotation', times: [0, 1], values: [0, 0, 0, 1, 0, 0, -S, -S] });
    const scene = await loadDocument(builder.document, { fps: 3 }, 1);
    expect(corners(scene).slice(3, 6)).toEqual(rounded([Math.cos(Math.PI / 6), 0.5, 0]));
  });

  it('spline rotations are normalised', async () => {
    const { builder, node } = moving();
    const zero = [0, 0, 0, 0];
    const values = [...zero, 0, 0, 0, 1, ...zero, ...zero, 0, 0, S, S, ...zero];
    builder.animate(node, { path: 'rotation', times: [0, 1], values, interpolation: 'CUBICSPLINE' });
    const scene = await loadDocument(builder.document, { fps: 2 }, 1);
    expect(corners(scene).slice(3, 6)).toEqual(rounded([S, S, 0]));
  });

  it('normalised integer keys are decoded', async () => {
    const { builder, node } = moving();
    const values = new Int16Array([0, 0, 0, 32767, 0, 0, 32767, 0]);
    builder.animate(node, { path: 'rotation', times: [0, 1], values, isNormalized: true });
    expect(corners(await loadDocument(builder.document, { fps: 1 }, 1)).slice(3, 6)).toEqual([-1, 0, 0]);
  });

  it('scales are animated, and a mirroring frame turns its triangles', async () => {
    const { builder, node } = moving();
    builder.animate(node, { path: 'scale', times: [0, 1], values: [1, 1, 1, -2, 1, 1] });
    expect(corners(await loadDocument(builder.document, { fps: 1 }, 1))).toEqual([
      0, 0, 0, 0, 1, 0, -2, 0, 0,
    ]);
  });

  it('the named animation plays, else the first', async () => {
    const { builder, node } = moving();
    builder.animate(node, { path: 'translation', times: [0], values: [1, 0, 0], animation: 'walk' });
    builder.animate(node, { path: 'translation', times: [0], values: [2, 0, 0], animation: 'run' });
    expect(await firstCorner(builder, 0)).toEqual([1, 0, 0]);
    expect(await firstCorner(builder, 0, { animation: 'run' })).toEqual([2, 0, 0]);
    await expect(firstCorner(builder, 0, { animation: 'fly' })).rejects.toThrow('"walk", "run"');
  });
});

describe('morph targets', () => {
  function morphing(weights: number[]) {
    const { builder, node } = moving();
    const mesh = node.getMesh()!.setWeights(weights);
    const target = (x: number) =>
      builder.document
        .createPrimitiveTarget()
        .setAttribute('POSITION', builder.accessor('VEC3', [x, 0, 0, x, 0, 0, x, 0, 0]))
        .setAttribute('NORMAL', builder.accessor('VEC3', [0, 1, 0, 0, 1, 0, 0, 1, 0]));
    mesh.listPrimitives()[0]!.addTarget(target(1)).addTarget(target(10));
    return { builder, node };
  }

  it('weights of the mesh apply to positions and normals', async () => {
    const scene = await loadDocument(morphing([0.5, 0.5]).builder.document);
    expect(corners(scene).slice(0, 3)).toEqual([5.5, 0, 0]);
    expect(cornerValues(scene, 'normals')[0]).toEqual(rounded([0, S, S]));
  });

  it('weights of the node override the mesh', async () => {
    const { builder, node } = morphing([0.5, 0.5]);
    node.setWeights([0, 1]);
    expect(await firstCorner(builder, 0)).toEqual([10, 0, 0]);
  });

  it('weights are animated', async () => {
    const { builder, node } = morphing([0, 0]);
    builder.animate(node, { path: 'weights', times: [0, 1], values: [1, 0, 0, 1] });
    expect(await firstCorner(builder, 5)).toEqual([5.5, 0, 0]);
  });
});

describe('skins', () => {
  function skinned() {
    const builder = new SceneBuilder();
    const mesh = builder.mesh({
      attributes: {
        POSITION: [0, 0, 0, 1, 0, 0, 0, 1, 0],
        NORMAL: NORMALS,
        JOINTS_0: new Uint8Array([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0]),
        WEIGHTS_0: [1, 0, 0, 0, 1, 0, 0, 0, 0.5, 0.5, 0, 0],
      },
    });
    const { document } = builder;
    const root = document.createNode('root').setTranslation([0, 0, 5]);
    const arm = document.createNode('arm').setTranslation([2, 0, 0]);
    root.addChild(arm);
    builder.scene.addChild(root);
    const inverseBind = [
      1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, -1, 0, 0, 1,
    ];
    const skin = document
      .createSkin()
      .addJoint(root)
      .addJoint(arm)
      .setInverseBindMatrices(builder.accessor('MAT4', inverseBind));
    // A skinned mesh goes where its joints are: the node's own place does not count.
    builder.show(mesh).setSkin(skin).setTranslation([100, 100, 100]);
    return { builder, arm };
  }

  it('vertices follow their joints by weight', async () => {
    // Joint 0 moves by (0,0,5); joint 1 by (2,0,5) after its inverse bind (−1,0,0).
    const scene = await loadDocument(skinned().builder.document);
    expect(corners(scene)).toEqual([0, 0, 5, 2, 0, 5, 0.5, 1, 5]);
    expect(cornerValues(scene, 'normals')).toEqual(Array(3).fill([0, 0, 1]));
  });

  it('joints are animated, and normals turn with them', async () => {
    const { builder, arm } = skinned();
    builder.animate(arm, { path: 'rotation', times: [0, 1], values: [0, 0, 0, 1, 0, S, 0, S] });
    const scene = await loadDocument(builder.document, { fps: 1 }, 1);
    expect(corners(scene).slice(3, 6)).toEqual([2, 0, 5]);
    expect(cornerValues(scene, 'normals')[1]).toEqual([1, 0, 0]);
  });

  it('a mirroring joint turns triangles, normals stay in front', async () => {
    const { builder, arm } = skinned();
    arm.setScale([-1, 1, 1]);
    const mesh = builder.document.getRoot().listMeshes()[0]!.listPrimitives()[0]!;
    mesh.setAttribute(
      'JOINTS_0',
      builder.accessor('VEC4', new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])),
    );
    mesh.setAttribute('WEIGHTS_0', builder.accessor('VEC4', [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]));
    const scene = await loadDocument(builder.document);
    expect(corners(scene)).toEqual([3, 0, 5, 3, 1, 5, 2, 0, 5]);
    expect(cornerValues(scene, 'normals')[0]).toEqual([0, 0, 1]);
  });

  it('a joint outside the scene is refused', async () => {
    const json = triangleJson();
    json.nodes = [{ mesh: 0, skin: 0 }, {}];
    json.skins = [{ joints: [1] }];
    await using folder = await writeSceneFolder('scene.gltf', { 'scene.gltf': json });
    await expect(loadFolder(folder)).rejects.toThrow('skin 0 has a joint outside the scene');
  });
});

describe('between frames', () => {
  it('geometry is the same object while only the camera moves, and new when a vertex moves', async () => {
    const { builder, node } = moving();
    const camera = builder.document.createCamera('eye').setType('perspective').setYFov(1).setZNear(0.1);
    const eye = builder.document.createNode('eye').setCamera(camera);
    builder.scene.addChild(eye);
    builder.animate(eye, {
      path: 'translation',
      times: [0, 1],
      values: [0, 0, 0, 5, 0, 0],
      animation: 'camera',
    });
    builder.animate(node, {
      path: 'translation',
      times: [0, 1, 2],
      values: [0, 0, 0, 5, 0, 0, 0, 0, 0],
      animation: 'mesh',
    });
    await using folder = await writeGlbFolder(builder.document);
    const load = (animation: string, frame: number) => loadFolder(folder, { fps: 1, animation }, frame);
    const [a, b] = [await load('camera', 0), await load('camera', 1)];
    expect(b.geometry).toBe(a.geometry);
    expect(b.camera.worldMatrix[12]).toBe(5);
    const [c, d, e] = [await load('mesh', 0), await load('mesh', 1), await load('mesh', 2)];
    expect(c.geometry.key).toBe(a.geometry.key);
    expect(d.geometry.key).not.toBe(a.geometry.key);
    expect(e.geometry.key).toBe(a.geometry.key);
    expect(e.geometry.positions).toEqual(a.geometry.positions);
    expect(e.images).toBe(a.images);
  });
});
