import {
  EXTMeshoptCompression,
  KHRDracoMeshCompression,
  KHRLightsPunctual,
  KHRMaterialsUnlit,
} from '@gltf-transform/extensions';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  dataUri,
  glbOf,
  imageBytes,
  SceneBuilder,
  TRIANGLE,
  triangleJson,
} from '#tests/support/gltf-scenes.js';
import { changed, type Files, judge, refusal } from '#tests/support/judge-files.js';
import type { JudgeRequest } from './judge-scene.js';

function withPositions(...positions: number[]): Files {
  return changed((json) => {
    const bytes = new Uint8Array(new Float32Array(positions).buffer);
    json.buffers = [{ byteLength: bytes.byteLength, uri: dataUri(bytes) }];
    json.bufferViews = [{ buffer: 0, byteLength: bytes.byteLength }];
  });
}

/** `scene.gltf` with a texture from `bark.png`. */
function withImage(bytes: Uint8Array): Files {
  const scene = changed((json) => {
    json.images = [{ uri: 'bark.png', name: 'bark' }];
    json.textures = [{ source: 0 }];
    json.materials = [{ pbrMetallicRoughness: { baseColorTexture: { index: 0 } } }];
    json.meshes![0]!.primitives[0]!.material = 0;
  });
  return { ...scene, 'bark.png': bytes };
}

/** A PNG whose header says 60,000 × 60,000 px; only the header is real. */
async function imageBomb(): Promise<Uint8Array> {
  const png = Buffer.from(await imageBytes('png', 1, 1, [1, 2, 3, 255]));
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

describe('a scene that can be rendered', () => {
  it('passes, with what a job needs to know', async () => {
    const judged = await judge({ 'scene.gltf': triangleJson() });
    expect(judged).toEqual({
      warnings: [],
      defaults: { frames: '0' },
      summary: { kind: 'gltf', scene: '#0', triangles: 1, nodes: 1, images: 0, durationSeconds: null },
    });
  });

  it('passes with files beside it under percent-encoded names', async () => {
    const files = changed((json) => {
      json.buffers![0]!.uri = 'my%20data/tri%C3%A9.bin';
    });
    const bytes = new Uint8Array(new Float32Array(TRIANGLE).buffer);
    await expect(judge({ ...files, 'my data/trié.bin': bytes })).resolves.toMatchObject({ warnings: [] });
  });

  it.each([
    ['Draco', KHRDracoMeshCompression],
    ['meshopt', EXTMeshoptCompression],
  ])('passes with %s data', async (_, Compression) => {
    const builder = new SceneBuilder();
    builder.document.createExtension(Compression as typeof EXTMeshoptCompression).setRequired(true);
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE }, indices: new Uint16Array([0, 1, 2]) }));
    const judged = await judge({ 'scene.glb': await glbOf(builder.document) });
    expect(judged.summary).toMatchObject({ kind: 'glb', triangles: 1 });
    expect(judged.warnings).toEqual([]);
  });

  it('passes with the extensions that are supported', async () => {
    const builder = new SceneBuilder();
    const { document } = builder;
    const unlit = document.createExtension(KHRMaterialsUnlit).setRequired(true).createUnlit();
    const light = document.createExtension(KHRLightsPunctual).createLight().setType('point');
    const material = document.createMaterial().setExtension('KHR_materials_unlit', unlit);
    builder
      .show(builder.mesh({ attributes: { POSITION: TRIANGLE }, material }))
      .setExtension('KHR_lights_punctual', light);
    await expect(judge({ 'scene.glb': await glbOf(document) })).resolves.toMatchObject({ warnings: [] });
  });

  it('gets warnings for what is ignored and for what is sloppy', async () => {
    const judged = await judge(
      changed((json) => {
        json.extensionsUsed = ['KHR_materials_clearcoat'];
        json.materials = [{ extensions: { KHR_materials_clearcoat: { clearcoatFactor: 1 } } }];
        json.accessors![0]!.max = [1, 2, 0];
      }),
    );
    expect(judged.warnings).toHaveLength(2);
    expect(judged.warnings[0]).toContain('KHR_materials_clearcoat');
    expect(judged.warnings[1]).toContain('ACCESSOR_MAX_MISMATCH');
  });
});

describe('a scene that no node could render', () => {
  const nodes = (...list: object[]) => changed((json) => Object.assign(json, { nodes: list }));
  it.each<[string, Files, string, string, JudgeRequest['wanted']?]>([
    [
      'a missing buffer',
      changed((json) => Object.assign(json.buffers![0]!, { uri: 'a.bin' })),
      'SCENE_FILE_MISSING',
      'a.bin',
    ],
    [
      'several missing files',
      changed((json) => Object.assign(json, { images: [{ uri: 'b.png' }, { uri: 'c.png' }] })),
      'SCENE_FILE_MISSING',
      'and 1 more',
    ],
    [
      'a URI that escapes',
      changed((json) => Object.assign(json.buffers![0]!, { uri: '../a.bin' })),
      'SCENE_PATH_ESCAPES',
      '../a.bin',
    ],
    ['not a glTF', { 'scene.gltf': 'hello' }, 'SCENE_INVALID', 'neither'],
    ['a cycle', nodes({ mesh: 0, children: [1] }, { children: [0] }), 'SCENE_INVALID', 'loop'],
    ['a node that is its own child', nodes({ mesh: 0, children: [0] }), 'SCENE_INVALID', 'loop'],
    [
      'a node with two parents',
      nodes({ mesh: 0, children: [1, 2] }, { children: [2] }, {}),
      'SCENE_INVALID',
      'parent',
    ],
    [
      'a node that does not exist',
      nodes({ mesh: 0, children: [7] }),
      'SCENE_INVALID',
      'Unresolved reference: 7',
    ],
    ['a NaN position', withPositions(0, 0, 0, Number.NaN, 0, 0, 0, 1, 0), 'SCENE_INVALID', 'NaN'],
    [
      'an infinite position',
      withPositions(0, 0, 0, Number.POSITIVE_INFINITY, 0, 0, 0, 1, 0),
      'SCENE_INVALID',
      'Infinity',
    ],
    [
      'an accessor beyond its buffer',
      changed((json) => Object.assign(json.accessors![0]!, { count: 300 })),
      'SCENE_INVALID',
      'does not fit',
    ],
    [
      'a count in the billions',
      changed((json) => Object.assign(json.accessors![0]!, { count: 4e9 })),
      'SCENE_INVALID',
      'accessor 0',
    ],
    [
      'zeros by the billion',
      changed((json) => json.accessors!.push({ componentType: 5126, count: 1e9, type: 'VEC4' })),
      'SCENE_INVALID',
      'accessor 1',
    ],
    [
      'a count that is no number',
      changed((json) => Object.assign(json.accessors![0]!, { count: 'many' })),
      'SCENE_INVALID',
      'accessor 0',
    ],
    [
      'lists of the wrong kind',
      changed((json) => Object.assign(json.scenes![0]!, { nodes: 3 })),
      'SCENE_INVALID',
      '/scenes/0/nodes',
    ],
    [
      'meshes without primitives',
      changed((json) => Object.assign(json.meshes![0]!, { primitives: null })),
      'SCENE_INVALID',
      '/meshes/0/primitives',
    ],
    [
      'a required extension',
      changed((json) =>
        Object.assign(json, {
          extensionsUsed: ['KHR_texture_basisu'],
          extensionsRequired: ['KHR_texture_basisu'],
        }),
      ),
      'SCENE_UNSUPPORTED',
      'KHR_texture_basisu',
    ],
    ['an unknown scene', { 'scene.gltf': triangleJson() }, 'SCENE_INVALID', '"#0"', { scene: 'night' }],
    [
      'an unknown camera',
      { 'scene.gltf': triangleJson() },
      'SCENE_INVALID',
      'the scene has no camera',
      { camera: 'eye' },
    ],
    [
      'an unknown animation',
      { 'scene.gltf': triangleJson() },
      'SCENE_INVALID',
      'the scene has no animation',
      { animation: 'walk' },
    ],
    [
      'no scene',
      changed((json) => {
        delete json.scenes;
        delete json.scene;
      }),
      'SCENE_INVALID',
      'no scene',
    ],
    [
      'a missing environment',
      { 'scene.gltf': triangleJson() },
      'SCENE_FILE_MISSING',
      'sky.hdr',
      { environmentPath: 'sky.hdr' },
    ],
    [
      'an environment of another kind',
      { 'scene.gltf': triangleJson(), 'sky.hdr': 'hello' },
      'IMAGE_INVALID',
      'sky.hdr',
      { environmentPath: 'sky.hdr' },
    ],
    [
      'an environment bomb',
      {
        'scene.gltf': triangleJson(),
        'sky.hdr': '#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 90000 +X 180000\n',
      },
      'IMAGE_INVALID',
      '180000×90000',
      { environmentPath: 'sky.hdr' },
    ],
  ])('%s', async (_, files, code, why, wanted) => {
    const error = await refusal(files, wanted);
    expect(error).toMatchObject({ code, message: expect.stringContaining(why) });
  });

  it('an index out of range', async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE }, indices: new Uint16Array([0, 1, 3]) }));
    const error = await refusal({ 'scene.glb': await glbOf(builder.document) });
    expect(error).toMatchObject({
      code: 'SCENE_INVALID',
      message: expect.stringContaining('ACCESSOR_INDEX_OOB'),
    });
  });

  it('a GLB that ends early', async () => {
    const builder = new SceneBuilder();
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    const glb = await glbOf(builder.document);
    expect((await refusal({ 'scene.glb': glb.subarray(0, glb.length - 20) })).message).toContain('truncated');
  });

  it.each([
    ['a NaN position', [0, 0, 0, Number.NaN, 0, 0, 0, 1, 0], [0, 1, 2], 'NaN'],
    ['an index out of range', TRIANGLE, [0, 1, 9], 'only 3 vertices'],
  ])('%s inside meshopt data, where the validator cannot look', async (_, positions, indices, why) => {
    const builder = new SceneBuilder();
    builder.document.createExtension(EXTMeshoptCompression).setRequired(true);
    builder.show(
      builder.mesh({ attributes: { POSITION: positions }, indices: new Uint16Array(indices), name: 'rock' }),
    );
    const error = await refusal({ 'scene.glb': await glbOf(builder.document) });
    expect(error).toMatchObject({ code: 'SCENE_INVALID', message: expect.stringContaining(why) });
    expect(error.message).toContain('"rock"');
  });

  it.each([
    ['Draco', KHRDracoMeshCompression],
    ['meshopt', EXTMeshoptCompression],
  ])('%s data that is damaged', async (_, Compression) => {
    const builder = new SceneBuilder();
    builder.document.createExtension(Compression as typeof EXTMeshoptCompression).setRequired(true);
    builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE }, indices: new Uint16Array([0, 1, 2]) }));
    const glb = await glbOf(builder.document);
    const binary = 20 + new DataView(glb.buffer, glb.byteOffset).getUint32(12, true) + 8;
    glb.fill(0xee, binary);
    expect((await refusal({ 'scene.glb': glb })).code).toBe('SCENE_INVALID');
  });

  it('more triangles than a node could hold, by instancing', async () => {
    const builder = new SceneBuilder();
    const count = 150_000;
    const mesh = builder.mesh({ attributes: { POSITION: TRIANGLE }, indices: new Uint8Array(3 * count) });
    for (let i = 0; i < 500; i++) builder.show(mesh);
    expect((await refusal({ 'scene.glb': await glbOf(builder.document) })).message).toContain(
      '75000000 triangles',
    );
  });

  it.each([
    ['an image bomb', imageBomb, '60000×60000'],
    [
      'an image cut short',
      async () => (await imageBytes('png', 64, 64, [1, 2, 3, 4, 99, 7, 8])).subarray(0, 120),
      'image 0',
    ],
    [
      'an SVG',
      async () => new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      'neither PNG',
    ],
    [
      'a GIF',
      async () =>
        sharp(await imageBytes('png', 1, 1, [0, 0, 0, 255]))
          .gif()
          .toBuffer(),
      'neither PNG',
    ],
  ])('%s', async (_, bytes, why) => {
    const error = await refusal(withImage(await bytes()));
    expect(['IMAGE_INVALID', 'SCENE_INVALID']).toContain(error.code);
    expect(error.message).toContain(why);
    expect(error.message).toContain('bark');
  });
});
