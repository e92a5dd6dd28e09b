/** A posed scene as one list of world-space triangles in shared memory, and the key that tells equal ones apart. */
import { createHash } from 'node:crypto';
import { FarmError } from '#shared/errors.js';
import type { SceneDescription, SceneGeometry, Vec3 } from '../scene-description.js';
import { deform, jointMatrices } from './deform.js';
import { writeFaceNormal } from './generate-tangents.js';
import type { Pose } from './pose.js';
import type { Primitive } from './primitive.js';
import type { SceneModel } from './scene-model.js';

export interface FlatScene {
  readonly geometry: SceneGeometry;
  readonly bounds: SceneDescription['bounds'];
}

/**
 * Names the arrays that `flatten` would make: a digest of everything in the pose that moves a vertex. Cameras and lights
 * are not part of it, so a camera move over a still scene keeps its geometry, and the BVH built on it.
 * @param sceneKey  names the scene's file and which of its scenes.
 */
export function geometryKey(sceneKey: string, model: SceneModel, pose: Pose): string {
  const hash = createHash('sha256').update(sceneKey);
  for (const { node, skin, primitive } of model.draws) {
    hash.update(skin ? jointMatrices(skin, pose.worlds) : pose.worlds.subarray(node * 16, node * 16 + 16));
    const weights = pose.weights[node];
    if (weights && primitive.targets.length > 0) hash.update(Float64Array.from(weights));
  }
  return hash.digest('hex');
}

/** @throws SCENE_INVALID when a vertex ends up outside the range of numbers. */
export function flatten(model: SceneModel, pose: Pose, key: string): FlatScene {
  let vertexCount = 0;
  let triangleCount = 0;
  let hasColors = false;
  for (const { primitive } of model.draws) {
    vertexCount += primitive.vertexCount;
    triangleCount += primitive.indices.length / 3;
    hasColors ||= primitive.colors !== null;
  }
  const floats = (count: number) => new Float32Array(new SharedArrayBuffer(count * 4));
  const integers = (count: number) => new Uint32Array(new SharedArrayBuffer(count * 4));
  const geometry: SceneGeometry = {
    key,
    triangleCount,
    vertexCount,
    positions: floats(vertexCount * 3),
    normals: floats(vertexCount * 3),
    tangents: floats(vertexCount * 4),
    uv0: floats(vertexCount * 2),
    uv1: floats(vertexCount * 2),
    colors: hasColors ? floats(vertexCount * 4).fill(1) : null,
    indices: integers(triangleCount * 3),
    materialIds: integers(triangleCount),
  };
  let firstVertex = 0;
  let firstIndex = 0;
  for (const draw of model.draws) {
    const { primitive } = draw;
    const isMirrored = deform(draw, pose, { ...geometry, firstVertex });
    if (primitive.uv0) geometry.uv0.set(primitive.uv0, firstVertex * 2);
    if (primitive.uv1) geometry.uv1.set(primitive.uv1, firstVertex * 2);
    if (primitive.colors) geometry.colors!.set(primitive.colors, firstVertex * 4);
    writeTriangles(primitive, isMirrored, geometry, firstVertex, firstIndex);
    firstVertex += primitive.vertexCount;
    firstIndex += primitive.indices.length;
  }
  return { geometry, bounds: boundsOf(geometry.positions) };
}

function writeTriangles(
  primitive: Primitive,
  isMirrored: boolean,
  { indices, materialIds, positions, normals }: SceneGeometry,
  firstVertex: number,
  firstIndex: number,
): void {
  const source = primitive.indices;
  const isFlat = primitive.normals === null;
  const second = isMirrored ? 2 : 1;
  const third = isMirrored ? 1 : 2;
  for (let i = 0; i < source.length; i += 3) {
    const a = source[i]! + firstVertex;
    const b = source[i + second]! + firstVertex;
    const c = source[i + third]! + firstVertex;
    indices[firstIndex + i] = a;
    indices[firstIndex + i + 1] = b;
    indices[firstIndex + i + 2] = c;
    if (isFlat) writeFaceNormal(normals, positions, a, b, c);
  }
  materialIds.fill(primitive.material, firstIndex / 3, (firstIndex + source.length) / 3);
}

function boundsOf(positions: Float32Array): SceneDescription['bounds'] {
  if (positions.length === 0) return { min: [0, 0, 0], max: [0, 0, 0] };
  let [x0, y0, z0] = [positions[0]!, positions[1]!, positions[2]!];
  let [x1, y1, z1] = [x0, y0, z0];
  let finite = 0;
  for (let i = 0; i < positions.length; i += 3) {
    const x = positions[i]!;
    const y = positions[i + 1]!;
    const z = positions[i + 2]!;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
    if (z < z0) z0 = z;
    if (z > z1) z1 = z;
    // Comparisons let NaN pass; a product with 0 does not.
    finite += (x + y + z) * 0;
  }
  const min: Vec3 = [x0, y0, z0];
  const max: Vec3 = [x1, y1, z1];
  if (finite !== 0)
    throw new FarmError(
      'SCENE_INVALID',
      'a vertex is NaN or infinite in world space; check scales, weights and animation',
    );
  return { min, max };
}
