/**
 * What a scene would take in memory, from its JSON alone: checked before anything is decoded, so that a declared
 * `count` in the billions or a mesh instanced a million times is refused instead of allocated.
 */
import type { GLTF } from '@gltf-transform/core';
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { sceneNodes } from './scene-nodes.js';

const COMPONENT_BYTES: Readonly<Record<number, number>> = {
  5120: 1,
  5121: 1,
  5122: 2,
  5123: 2,
  5125: 4,
  5126: 4,
};
const COMPONENTS: Readonly<Record<string, number>> = {
  SCALAR: 1,
  VEC2: 2,
  VEC3: 3,
  VEC4: 4,
  MAT2: 4,
  MAT3: 9,
  MAT4: 16,
};
const MODE_TRIANGLES = 4;
/** Draco reaches about 100:1 on real meshes; beyond this the data is a bomb (accessors without data decode to zeros). */
const EXPANSION_MAX = 256;
const EXPANSION_FREE_BYTES = 64 * 2 ** 20;

export interface SceneSizes {
  /** Of the scene, after instancing. */
  readonly triangles: number;
  readonly nodes: number;
}

/**
 * Does not trust the JSON's types: it runs before the validator, to keep that from large loops, too.
 * @param fileBytes  of the scene file and everything that it refers to.
 * @returns bytes of all accessors, decoded.
 * @throws SCENE_INVALID naming the accessor that is too much.
 */
export function checkAccessorSizes(json: GLTF.IGLTF, fileBytes: number): number {
  const bytesMax = Math.min(LIMITS.sceneAccessorBytesMax, EXPANSION_FREE_BYTES + fileBytes * EXPANSION_MAX);
  let total = 0;
  for (const [index, accessor] of (json.accessors ?? []).entries()) {
    const { count, type, componentType } = accessor ?? {};
    if (!Number.isSafeInteger(count) || count < 0)
      throw invalid(`accessor ${index} has the count ${count}; it must be a whole number`);
    total += count * (COMPONENTS[type] ?? 0) * (COMPONENT_BYTES[componentType] ?? 0);
    if (total > bytesMax)
      throw invalid(
        `accessor ${index} with the count ${count} brings the data to ${total} bytes, and ${fileBytes} bytes of files may expand to ${bytesMax}`,
      );
  }
  return total;
}

/**
 * @param json  validated.
 * @throws SCENE_INVALID when the scene has too many triangles.
 */
export function checkSceneSizes(json: GLTF.IGLTF, sceneIndex: number): SceneSizes {
  const trianglesOfMesh = (json.meshes ?? []).map((mesh) =>
    mesh.primitives.reduce((sum, primitive) => sum + trianglesOf(json, primitive), 0),
  );
  const nodes = sceneNodes(json, sceneIndex);
  let triangles = 0;
  for (const index of nodes) triangles += trianglesOfMesh[json.nodes![index]!.mesh ?? -1] ?? 0;
  if (triangles > LIMITS.sceneTrianglesMax)
    throw invalid(
      `the scene has ${triangles} triangles with all its instances; at most ${LIMITS.sceneTrianglesMax} are rendered`,
    );
  return { triangles, nodes: nodes.length };
}

function trianglesOf(json: GLTF.IGLTF, primitive: GLTF.IMeshPrimitive): number {
  const mode = primitive.mode ?? MODE_TRIANGLES;
  if (mode < MODE_TRIANGLES) return 0;
  const accessor = json.accessors?.[primitive.indices ?? primitive.attributes?.['POSITION'] ?? -1];
  const count = accessor?.count ?? 0;
  return mode === MODE_TRIANGLES ? Math.floor(count / 3) : Math.max(0, count - 2);
}

function invalid(message: string): FarmError {
  return new FarmError('SCENE_INVALID', `${message}; reduce the scene`);
}
