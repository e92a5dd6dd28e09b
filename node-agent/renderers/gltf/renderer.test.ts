import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { SESSION } from '#tests/support/session.js';
import { gltfRenderer } from './renderer.js';

/** One unlit orange triangle that fills the lower left half of the view, as a data URI. */
function triangleGltf(): string {
  const buffer = Buffer.from(Float32Array.of(-1, -1, 0, 1, -1, 0, -1, 1, 0).buffer);
  return JSON.stringify({
    asset: { version: '2.0' },
    extensionsUsed: ['KHR_materials_unlit'],
    scene: 0,
    scenes: [{ nodes: [0, 1] }],
    nodes: [{ mesh: 0 }, { camera: 0, translation: [0, 0, 2] }],
    cameras: [{ type: 'orthographic', orthographic: { xmag: 1, ymag: 1, znear: 0.1, zfar: 10 } }],
    materials: [
      { pbrMetallicRoughness: { baseColorFactor: [1, 0.5, 0, 1] }, extensions: { KHR_materials_unlit: {} } },
    ],
    meshes: [{ primitives: [{ attributes: { POSITION: 0 }, material: 0 }] }],
    accessors: [
      { bufferView: 0, componentType: 5126, count: 3, type: 'VEC3', min: [-1, -1, 0], max: [1, 1, 0] },
    ],
    bufferViews: [{ buffer: 0, byteLength: buffer.length }],
    buffers: [
      { byteLength: buffer.length, uri: `data:application/octet-stream;base64,${buffer.toString('base64')}` },
    ],
  });
}

test('a file goes in and the layers come out, in order and cut to the region', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guian-gltf-'));
  try {
    await writeFile(join(folder, 'triangle.gltf'), triangleGltf());
    const settings = renderSettingsSchema.parse({
      widthPx: 8,
      heightPx: 8,
      samples: 4,
      layers: ['depth', 'beauty'],
      environment: { kind: 'none' },
    });
    const request = { scene: { folder, entry: 'triangle.gltf' }, settings, frame: 0 };
    const prepared = structuredClone(await gltfRenderer.prepare(request));
    const session = await gltfRenderer.open(SESSION);
    const seen: number[] = [];
    const { layers } = await session.render(
      { ...request, prepared, region: { x0: 0, y0: 4, x1: 4, y1: 8 } },
      { isCancelled: () => false, progress: (ratio) => seen.push(ratio) },
    );
    await session.close();
    expect(layers.map((layer) => [layer.name, layer.data.length])).toEqual([
      ['depth', 16],
      ['beauty', 64],
    ]);
    expect([...layers[1]!.data.subarray(0, 4)]).toEqual([1, 0.5, 0, 1]);
    expect(layers[0]!.data[0]).toBeCloseTo(2, 6);
    expect(seen.at(-1)).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the version names kernel and V8, on which the last bit of a picture depends', () => {
  expect(gltfRenderer.version).toMatch(/^gltf \d+\+ts-bvh2\+v8-\d+/);
});
