/** The committed `valley.glb` is what the generator makes, is clean, and asks for what the README promises. */
import { readFile } from 'node:fs/promises';
import type { Accessor, Document } from '@gltf-transform/core';
import validator from 'gltf-validator';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { FRAME_COUNT, FRAMES_PER_SECOND } from './camera.js';
import { VALLEY_FILE, valleyGlb, valleyIo } from './generate.js';
import { RENDER_SETTINGS } from './render-settings.js';

const FILE_BYTES_MAX = 1_500_000;
/**
 * libwebp and the trigonometry of V8 may differ in the last bit from one platform to the next: one quantisation step in
 * geometry, a few of 255 levels where lossy pixels round the other way.
 */
const PIXEL_DIFFERENCE_MEAN_MAX = 1.5;

let committed: Uint8Array;
let document: Document;

beforeAll(async () => {
  committed = new Uint8Array(await readFile(VALLEY_FILE));
  document = await (await valleyIo()).readBinary(committed);
});

test('the generator makes the committed file', async () => {
  const generated = await valleyGlb();
  if (Buffer.compare(generated, committed) === 0) return;
  const other = await (await valleyIo()).readBinary(generated);
  expect(namesOf(other)).toEqual(namesOf(document));
  other
    .getRoot()
    .listAccessors()
    .forEach((accessor, index) => {
      expectAlike(accessor, document.getRoot().listAccessors()[index]);
    });
  for (const [index, texture] of other.getRoot().listTextures().entries()) {
    const difference = await meanDifference(
      texture.getImage(),
      document.getRoot().listTextures()[index].getImage(),
    );
    expect(difference, texture.getName()).toBeLessThan(PIXEL_DIFFERENCE_MEAN_MAX);
  }
});

test('the validator finds no error and no warning', async () => {
  const report = await validator.validateBytes(committed, { maxIssues: 100 });
  expect(report.issues.messages.filter(({ severity }) => severity < 2)).toEqual([]);
});

test('the file is small and has about a hundred thousand triangles', () => {
  expect(committed.length).toBeLessThan(FILE_BYTES_MAX);
  const triangleCount = document
    .getRoot()
    .listMeshes()
    .flatMap((mesh) => mesh.listPrimitives())
    .reduce((sum, primitive) => sum + (primitive.getIndices()?.getCount() ?? 0) / 3, 0);
  expect(triangleCount).toBeGreaterThan(80_000);
  expect(triangleCount).toBeLessThan(130_000);
});

test('the default scene brings its render settings', () => {
  expect(document.getRoot().getDefaultScene()?.getExtras()).toEqual({ guian: RENDER_SETTINGS });
});

test('the camera moves from frame 0 to frame 47 at 24 frames per second', () => {
  const [animation] = document.getRoot().listAnimations();
  const [camera] = document.getRoot().listCameras();
  expect(animation.listChannels().map((channel) => channel.getTargetPath())).toEqual([
    'translation',
    'rotation',
  ]);
  for (const channel of animation.listChannels()) {
    expect(channel.getTargetNode()?.getCamera()).toBe(camera);
    const times = channel.getSampler()?.getInput();
    expect(times?.getCount()).toBe(FRAME_COUNT);
    expect(times?.getScalar(0)).toBe(0);
    expect(times?.getScalar(FRAME_COUNT - 1)).toBeCloseTo(47 / FRAMES_PER_SECOND, 6);
  }
});

test('every extension that the file uses is one that the renderer knows', () => {
  const names = document
    .getRoot()
    .listExtensionsUsed()
    .map((extension) => extension.extensionName);
  expect(names.sort()).toEqual([
    'EXT_meshopt_compression',
    'EXT_texture_webp',
    'KHR_lights_punctual',
    'KHR_materials_emissive_strength',
    'KHR_materials_unlit',
    'KHR_mesh_quantization',
    'KHR_texture_transform',
  ]);
});

const namesOf = (of: Document) => ({
  nodes: of
    .getRoot()
    .listNodes()
    .map((node) => node.getName()),
  materials: of
    .getRoot()
    .listMaterials()
    .map((material) => material.getName()),
  textures: of
    .getRoot()
    .listTextures()
    .map((texture) => texture.getName()),
});

/** Equal shape; values equal but for one quantisation step, indices exactly. */
function expectAlike(one: Accessor, other: Accessor): void {
  expect(one.getCount()).toBe(other.getCount());
  expect(one.getType()).toBe(other.getType());
  expect(one.getComponentType()).toBe(other.getComponentType());
  const [left, right] = [one.getArray() ?? [], other.getArray() ?? []];
  const step = left instanceof Float32Array ? 1e-4 : one.getType() === 'SCALAR' ? 0 : 1;
  const first = Float64Array.from(left).findIndex((value, index) => Math.abs(value - right[index]) > step);
  expect(first, `${one.getName()} differs at element ${first}`).toBe(-1);
}

async function meanDifference(one: Uint8Array | null, other: Uint8Array | null): Promise<number> {
  const [left, right] = await Promise.all(
    [one, other].map((image) =>
      sharp(image ?? undefined)
        .raw()
        .toBuffer(),
    ),
  );
  expect(left.length).toBe(right.length);
  let sum = 0;
  for (let index = 0; index < left.length; index++) sum += Math.abs(left[index] - right[index]);
  return sum / left.length;
}
