import { expect, test } from 'vitest';
import { buildTraceScene } from './build-trace-scene.js';
import { cameraAbove, cameraInFront, describe, sphere } from './test-scene.js';

test('a moved camera keeps the BVH; another geometry gets its own', () => {
  const description = describe({ shapes: [sphere([0, 0, 0], 1, {}, 8)], camera: cameraAbove(3, 1) });
  const first = buildTraceScene(description);
  const moved = buildTraceScene({ ...description, camera: cameraInFront(4, 1) });
  expect(moved.bvh).toBe(first.bvh);
  expect(moved.id).not.toBe(first.id);
  const other = describe({ shapes: [sphere([0, 0, 0], 2, {}, 8)], camera: cameraAbove(3, 1) });
  expect(buildTraceScene(other).bvh).not.toBe(first.bvh);
});

test('what threads get is plain data whose large arrays are shared, not copied', () => {
  const description = describe({
    shapes: [sphere([0, 0, 0], 1, { emissive: [1, 1, 1] }, 8)],
    camera: cameraAbove(3, 1),
    environment: { kind: 'sky' },
  });
  const scene = buildTraceScene(description);
  const copy = structuredClone(scene);
  expect(copy).toEqual(scene);
  for (const array of [
    scene.bvh.nodes,
    scene.bvh.corners,
    scene.bvh.triangleIds,
    scene.seeThrough,
    scene.emitters.densityPerM2,
    scene.environment.data,
    scene.environment.cellCdf,
    scene.ggxAlbedo,
  ]) {
    expect(array.buffer).toBeInstanceOf(SharedArrayBuffer);
  }
});
