/** One frame's description → what threads trace: acceleration structure, light tables, environment table. */
import { randomUUID } from 'node:crypto';
import type { SceneDescription, SceneGeometry, SceneMaterial } from '../scene-description.js';
import { buildBvh } from './build-bvh.js';
import { buildEnvironment } from './build-environment.js';
import { buildEmitters } from './emitters.js';
import { ggxAlbedoTable } from './ggx-albedo.js';
import { sharedUint8 } from './shared-arrays.js';
import type { Bvh, TraceScene } from './trace-scene.js';

/**
 * Rays start this far off a surface, relative to the largest coordinate: hits are exact to some 1e-15 of it, and at
 * 1e-10 even a scene of 100 km resolves 10 µm.
 */
const RAY_OFFSET_RATIO = 1e-10;
/** Frames in flight at once in a preparation thread: a still scene with a moving camera keeps its one BVH. */
const CACHED_BVHS_MAX = 2;
const bvhByGeometryKey = new Map<string, Bvh>();

/** A camera that moves through a still scene builds the BVH once: it is kept by `geometry.key`. */
export function buildTraceScene(description: SceneDescription): TraceScene {
  const { geometry, materials, images, lights, camera } = description;
  const bvh = cachedBvh(geometry);
  const { seeThrough, hasSeeThrough } = seeThroughTriangles(bvh, geometry, materials);
  return {
    id: randomUUID(),
    geometry,
    materials,
    images,
    lights,
    camera,
    bvh,
    seeThrough,
    hasSeeThrough,
    emitters: buildEmitters(geometry, materials, images),
    environment: buildEnvironment(description.environment),
    ggxAlbedo: ggxAlbedoTable(),
    rayOffset: rayOffset(description),
  };
}

function cachedBvh(geometry: SceneGeometry): Bvh {
  const bvh = bvhByGeometryKey.get(geometry.key) ?? buildBvh(geometry);
  // Deleting first moves the key to the end: the map's order is the order of last use.
  bvhByGeometryKey.delete(geometry.key);
  bvhByGeometryKey.set(geometry.key, bvh);
  for (const key of bvhByGeometryKey.keys()) {
    if (bvhByGeometryKey.size <= CACHED_BVHS_MAX) break;
    bvhByGeometryKey.delete(key);
  }
  return bvh;
}

function seeThroughTriangles(
  bvh: Bvh,
  geometry: SceneGeometry,
  materials: readonly SceneMaterial[],
): { seeThrough: Uint8Array; hasSeeThrough: boolean } {
  const seeThrough = sharedUint8(geometry.triangleCount);
  let hasSeeThrough = false;
  for (let slot = 0; slot < geometry.triangleCount; slot++) {
    const material = materials[geometry.materialIds[bvh.triangleIds[slot]!]!]!;
    if (material.alphaMode === 'opaque') continue;
    seeThrough[slot] = 1;
    hasSeeThrough = true;
  }
  return { seeThrough, hasSeeThrough };
}

function rayOffset({ bounds, geometry }: SceneDescription): number {
  if (geometry.triangleCount === 0) return 1e-12;
  const largest = Math.max(...[...bounds.min, ...bounds.max].map(Math.abs));
  return Math.max(largest * RAY_OFFSET_RATIO, 1e-12);
}
