import {
  EXTMeshoptCompression,
  KHRDracoMeshCompression,
  KHRMeshQuantization,
} from '@gltf-transform/extensions';
import { describe, expect, it } from 'vitest';
import {
  dataUri,
  SceneBuilder,
  TRIANGLE,
  triangleJson,
  writeSceneFolder,
} from '#tests/support/gltf-scenes.js';
import { corners, cornerValues, loadDocument, loadFolder, rounded } from '#tests/support/load-scene.js';

const S = Math.SQRT1_2;
const QUAD = [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0];

describe('topology', () => {
  const A = [0, 0, 0];
  const B = [1, 0, 0];
  const C = [1, 1, 0];
  const D = [0, 1, 0];
  it.each([
    ['a triangle list', 4, undefined, [...A, ...B, ...C], [A, B, C]],
    ['an indexed list', 4, [0, 1, 2, 0, 2, 3], QUAD, [A, B, C, A, C, D]],
    ['a strip', 5, undefined, [...A, ...B, ...D, ...C], [A, B, D, B, C, D]],
    ['an indexed strip with a stitch', 5, [0, 1, 3, 3, 2], QUAD, [A, B, D]],
    ['a fan', 6, undefined, QUAD, [B, C, A, C, D, A]],
    ['an indexed fan', 6, [0, 1, 2, 3], QUAD, [B, C, A, C, D, A]],
  ])('%s becomes triangles of the same winding', async (_, mode, indices, positions, expected) => {
    const builder = new SceneBuilder();
    builder.show(
      builder.mesh({
        attributes: { POSITION: positions },
        mode,
        ...(indices && { indices: new Uint16Array(indices) }),
      }),
    );
    expect(corners(await loadDocument(builder.document))).toEqual(expected.flat());
  });

  it.each([[0], [1], [2], [3]])('points and lines (mode %i) are left out', async (mode) => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: QUAD }, mode }));
    const { geometry, bounds } = await loadDocument(builder.document);
    expect([geometry.triangleCount, geometry.vertexCount]).toEqual([0, 0]);
    expect(bounds).toEqual({ min: [0, 0, 0], max: [0, 0, 0] });
  });

  it.each([[Uint8Array], [Uint16Array], [Uint32Array]])('indices are read from %o', async (Type) => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: QUAD }, indices: new Type([3, 0, 1]) }));
    expect(corners(await loadDocument(builder.document))).toEqual([0, 1, 0, 0, 0, 0, 1, 0, 0]);
  });
});

describe('transforms', () => {
  const normal = [0, 0, 1];
  const attributes = { POSITION: TRIANGLE, NORMAL: [...normal, ...normal, ...normal] };

  it('parents apply after children, and scale before rotation before translation', async () => {
    const builder = new SceneBuilder();
    const child = builder.document
      .createNode()
      .setMesh(builder.mesh({ attributes }))
      .setTranslation([1, 0, 0])
      .setScale([2, 3, 4]);
    const parent = builder.document
      .createNode()
      .setRotation([0, 0, S, S])
      .setTranslation([10, 0, 0])
      .addChild(child);
    builder.scene.addChild(parent);
    // (x, y) → scaled (2x, 3y) → moved (2x + 1, 3y) → turned by 90° about z (−3y, 2x + 1) → moved by 10.
    expect(corners(await loadDocument(builder.document))).toEqual([10, 1, 0, 10, 3, 0, 7, 1, 0]);
  });

  it('a node matrix is used as it is', async () => {
    const json = triangleJson();
    json.nodes = [{ mesh: 0, matrix: [0, 1, 0, 0, -1, 0, 0, 0, 0, 0, 1, 0, 5, 6, 7, 1] }];
    await using folder = await writeSceneFolder('scene.gltf', { 'scene.gltf': json });
    expect(corners(await loadFolder(folder))).toEqual([5, 6, 7, 5, 7, 7, 4, 6, 7]);
  });

  it('normals follow the inverse transpose under non-uniform scale', async () => {
    const builder = new SceneBuilder();
    const slanted = [S, S, 0, S, S, 0, S, S, 0];
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE, NORMAL: slanted } })).setScale([2, 1, 1]);
    const scene = await loadDocument(builder.document);
    const length = Math.hypot(0.5, 1);
    expect(cornerValues(scene, 'normals')[0]).toEqual(rounded([0.5 / length, 1 / length, 0]));
  });

  it('a mirroring node keeps the front of its triangles in front', async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes })).setScale([-1, 1, 1]);
    const scene = await loadDocument(builder.document);
    expect(corners(scene)).toEqual([0, 0, 0, 0, 1, 0, -1, 0, 0]);
    expect(cornerValues(scene, 'normals')[0]).toEqual([0, 0, 1]);
  });

  it('a mirroring node turns the handedness of tangents', async () => {
    const builder = new SceneBuilder();
    const tangents = [1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1];
    const texture = builder.document.createTexture().setImage(PNG).setMimeType('image/png');
    const material = builder.document.createMaterial().setNormalTexture(texture);
    builder
      .show(
        builder.mesh({
          attributes: { ...attributes, TANGENT: tangents, TEXCOORD_0: [0, 0, 1, 0, 0, 1] },
          material,
        }),
      )
      .setScale([-1, 1, 1]);
    expect(cornerValues(await loadDocument(builder.document), 'tangents')[0]).toEqual([-1, 0, 0, -1]);
  });

  it('one mesh under two nodes appears twice', async () => {
    const builder = new SceneBuilder();
    const mesh = builder.mesh({ attributes });
    builder.show(mesh);
    builder.show(mesh).setTranslation([0, 0, 5]);
    const { geometry, bounds } = await loadDocument(builder.document);
    expect([geometry.triangleCount, geometry.vertexCount]).toEqual([2, 6]);
    expect(bounds).toEqual({ min: [0, 0, 0], max: [1, 1, 5] });
  });

  it('every array is in shared memory', async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { ...attributes, COLOR_0: Array(12).fill(1) } }));
    const { geometry } = await loadDocument(builder.document);
    const arrays = Object.values(geometry).filter((value) => ArrayBuffer.isView(value));
    expect(arrays).toHaveLength(8);
    for (const array of arrays) expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});

describe('vertex attributes', () => {
  it('normals that are absent become flat, from the triangle in world space', async () => {
    const builder = new SceneBuilder();
    const corner = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
    builder.show(
      builder.mesh({ attributes: { POSITION: corner }, indices: new Uint8Array([0, 1, 2, 0, 2, 3]) }),
    );
    const scene = await loadDocument(builder.document);
    expect(scene.geometry.vertexCount).toBe(6);
    expect(cornerValues(scene, 'normals')).toEqual([
      ...Array(3).fill([0, 0, 1]),
      ...Array(3).fill([1, 0, 0]),
    ]);
  });

  it('two sets of texture coordinates are kept apart, and zeros where absent', async () => {
    const builder = new SceneBuilder();
    builder.show(
      builder.mesh({ attributes: { POSITION: TRIANGLE, TEXCOORD_1: new Uint8Array([0, 0, 255, 0, 0, 51]) } }),
    );
    builder.document
      .getRoot()
      .listMeshes()[0]!
      .listPrimitives()[0]!
      .getAttribute('TEXCOORD_1')!
      .setNormalized(true);
    const scene = await loadDocument(builder.document);
    expect(cornerValues(scene, 'uv0')).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(cornerValues(scene, 'uv1')).toEqual([
      [0, 0],
      [1, 0],
      [0, 0.2],
    ]);
  });

  it.each([
    ['vec3 float', 'VEC3', new Float32Array([0.5, 0.25, 1, 0, 0, 0, 1, 1, 1]), false, [0.5, 0.25, 1, 1]],
    [
      'vec4 float',
      'VEC4',
      new Float32Array([0.5, 0.25, 1, 0.5, ...Array(8).fill(0)]),
      false,
      [0.5, 0.25, 1, 0.5],
    ],
    ['vec3 byte', 'VEC3', new Uint8Array([255, 51, 0, 0, 0, 0, 0, 0, 0]), true, [1, 0.2, 0, 1]],
    [
      'vec4 short',
      'VEC4',
      new Uint16Array([65535, 13107, 0, 26214, ...Array(8).fill(0)]),
      true,
      [1, 0.2, 0, 0.4],
    ],
  ] as const)('vertex colours are read as %s', async (_, type, array, isNormalized, expected) => {
    const builder = new SceneBuilder();
    const mesh = builder.mesh({ attributes: { POSITION: TRIANGLE } });
    mesh.listPrimitives()[0]!.setAttribute('COLOR_0', builder.accessor(type, array, isNormalized));
    builder.show(mesh);
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    const colors = cornerValues(await loadDocument(builder.document), 'colors');
    expect(colors[0]).toEqual(expected);
    expect(colors[3]).toEqual([1, 1, 1, 1]);
  });

  it('no colours at all are null', async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    expect((await loadDocument(builder.document)).geometry.colors).toBeNull();
  });

  it('tangents are made only for a normal map, and split where texture coordinates mirror', async () => {
    const builder = new SceneBuilder();
    const texture = builder.document.createTexture().setImage(PNG).setMimeType('image/png');
    const material = builder.document.createMaterial().setNormalTexture(texture);
    // Two quads that share an edge, the second with u running backwards.
    const attributes = {
      POSITION: [0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 2, 0, 0, 2, 1, 0],
      NORMAL: Array(6).fill([0, 0, 1]).flat(),
      TEXCOORD_0: [0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0],
    };
    const indices = new Uint8Array([0, 1, 2, 0, 2, 3, 1, 4, 5, 1, 5, 2]);
    builder.show(builder.mesh({ attributes, indices, material }));
    builder.show(builder.mesh({ attributes, indices }));
    const scene = await loadDocument(builder.document);
    const tangents = cornerValues(scene, 'tangents');
    expect(scene.geometry.vertexCount).toBe(8 + 6);
    // The picture's top is at +Y: bitangent = normal × tangent × w.
    expect(tangents.slice(0, 6)).toEqual(Array(6).fill([1, 0, 0, 1]));
    expect(tangents.slice(6, 12)).toEqual(Array(6).fill([-1, 0, 0, -1]));
    expect(tangents.slice(12)).toEqual(Array(12).fill([0, 0, 0, 0]));
  });
});

describe('storage', () => {
  it('sparse accessors replace elements, over a base at an offset and over zeros', async () => {
    const json = triangleJson();
    const base = new Float32Array([9, 9, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0]);
    const indices = new Uint16Array([2, 0]);
    const values = new Float32Array([0, 7, 0]);
    const bytes = new Uint8Array(64);
    bytes.set(new Uint8Array(base.buffer));
    bytes.set(new Uint8Array(indices.buffer, 0, 2), 48);
    bytes.set(new Uint8Array(values.buffer), 52);
    json.buffers = [{ byteLength: 64, uri: dataUri(bytes) }];
    json.bufferViews = [
      { buffer: 0, byteLength: 48 },
      { buffer: 0, byteOffset: 48, byteLength: 2 },
      { buffer: 0, byteOffset: 52, byteLength: 12 },
    ];
    const sparse = {
      count: 1,
      indices: { bufferView: 1, componentType: 5123 as const },
      values: { bufferView: 2 },
    };
    json.accessors = [
      {
        bufferView: 0,
        byteOffset: 12,
        componentType: 5126,
        count: 3,
        type: 'VEC3',
        min: [0, 0, 0],
        max: [1, 7, 0],
        sparse,
      },
      { componentType: 5126, count: 3, type: 'VEC3', min: [0, 0, 0], max: [0, 7, 0], sparse },
    ];
    json.meshes = [{ primitives: [{ attributes: { POSITION: 0 } }, { attributes: { POSITION: 1 } }] }];
    await using folder = await writeSceneFolder('scene.gltf', { 'scene.gltf': json });
    expect(corners(await loadFolder(folder))).toEqual([0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0]);
  });

  it('interleaved buffers are read with their stride', async () => {
    const json = triangleJson();
    const bytes = new Uint8Array(new Float32Array([0, 0, 0, 5, 1, 0, 0, 5, 0, 1, 0, 5]).buffer);
    json.buffers = [{ byteLength: 48, uri: dataUri(bytes) }];
    json.bufferViews = [{ buffer: 0, byteLength: 48, byteStride: 16, target: 34962 }];
    await using folder = await writeSceneFolder('scene.gltf', { 'scene.gltf': json });
    expect(corners(await loadFolder(folder))).toEqual([0, 0, 0, 1, 0, 0, 0, 1, 0]);
  });

  it('files beside the scene are found under percent-encoded names', async () => {
    const json = triangleJson();
    json.buffers = [{ byteLength: 36, uri: 'my%20data/tri%23.bin' }];
    const bytes = new Uint8Array(new Float32Array(TRIANGLE).buffer);
    await using folder = await writeSceneFolder('shots/scene.gltf', {
      'shots/scene.gltf': json,
      'shots/my data/tri#.bin': bytes,
    });
    expect(corners(await loadFolder(folder))).toEqual([...TRIANGLE]);
  });

  it('quantised positions, normals and texture coordinates are read', async () => {
    const builder = new SceneBuilder();
    builder.document.createExtension(KHRMeshQuantization).setRequired(true);
    const mesh = builder.mesh({ attributes: {} });
    const primitive = mesh.listPrimitives()[0]!;
    primitive.setAttribute(
      'POSITION',
      builder.accessor('VEC3', new Int16Array([0, 0, 0, 32767, 0, 0, 0, -32767, 0]), true),
    );
    primitive.setAttribute(
      'NORMAL',
      builder.accessor('VEC3', new Int8Array([0, 0, -127, 0, 0, -127, 0, 0, -128]), true),
    );
    primitive.setAttribute('TEXCOORD_0', builder.accessor('VEC2', new Uint16Array([0, 3, 1, 2, 0, 7])));
    builder.show(mesh).setScale([3, 3, 3]);
    const scene = await loadDocument(builder.document);
    expect(corners(scene)).toEqual([0, 0, 0, 3, 0, 0, 0, -3, 0]);
    expect(cornerValues(scene, 'normals')).toEqual(Array(3).fill([0, 0, -1]));
    expect(cornerValues(scene, 'uv0')).toEqual([
      [0, 3],
      [1, 2],
      [0, 7],
    ]);
  });

  it.each([
    ['Draco', KHRDracoMeshCompression],
    ['meshopt', EXTMeshoptCompression],
  ])('%s data is decompressed', async (_, Compression) => {
    const builder = new SceneBuilder();
    builder.document.createExtension(Compression as typeof EXTMeshoptCompression).setRequired(true);
    const attributes = { POSITION: QUAD, NORMAL: Array(4).fill([0, 0, 1]).flat() };
    builder.show(builder.mesh({ attributes, indices: new Uint16Array([0, 1, 2, 0, 2, 3]) }));
    const scene = await loadDocument(builder.document);
    const area = new Set(corners(scene).map((value) => Math.round(value * 1000) / 1000));
    expect(scene.geometry.triangleCount).toBe(2);
    expect([...area].sort()).toEqual([0, 1]);
    expect(scene.bounds.max.map((value) => Math.round(value * 1000) / 1000)).toEqual([1, 1, 0]);
  });
});

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
