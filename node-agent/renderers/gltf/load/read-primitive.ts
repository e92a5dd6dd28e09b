/** Decodes one glTF mesh primitive: triangulated, flat where it has no normals, with the tangents that its material needs. */
import type { Accessor, Primitive as GltfPrimitive } from '@gltf-transform/core';
import { generateTangents } from './generate-tangents.js';
import { type MorphTarget, type Primitive, type Skinning, unweld } from './primitive.js';
import { readFloats, readIntegers } from './read-accessor.js';
import { triangulate } from './triangulate.js';

/**
 * @param material     index of its material.
 * @param normalMapUv  the texture coordinates of its normal map; null when it has none.
 * @returns null for points, lines and what has no positions or triangles.
 */
export function readPrimitive(
  source: GltfPrimitive,
  material: number,
  normalMapUv: 0 | 1 | null,
): Primitive | null {
  const position = source.getAttribute('POSITION');
  if (!position) return null;
  const vertexCount = position.getCount();
  const indices = triangulate(source.getMode(), source.getIndices()?.getArray() ?? null, vertexCount);
  if (!indices || indices.length === 0) return null;
  const optional = (name: string, components: number, fill?: number) => {
    const accessor = source.getAttribute(name);
    return accessor && readFloats(accessor, components, fill);
  };
  const normals = optional('NORMAL', 3);
  const primitive: Primitive = {
    vertexCount,
    indices,
    positions: readFloats(position, 3),
    normals,
    // Without normals a file's tangents must be ignored, and without a normal map nobody looks at them.
    tangents: normals && normalMapUv !== null ? optional('TANGENT', 4) : null,
    uv0: optional('TEXCOORD_0', 2),
    uv1: optional('TEXCOORD_1', 2),
    colors: optional('COLOR_0', 4, 1),
    skinning: readSkinning(source),
    targets: source.listTargets().map((target) => readTarget((name) => target.getAttribute(name))),
    material,
  };
  const shaded = normals ? primitive : unweld(primitive);
  return normalMapUv !== null && !shaded.tangents ? generateTangents(shaded, normalMapUv) : shaded;
}

function readTarget(attribute: (name: string) => Accessor | null): MorphTarget {
  const read = (name: string) => {
    const accessor = attribute(name);
    return accessor && readFloats(accessor, 3);
  };
  return { positions: read('POSITION'), normals: read('NORMAL'), tangents: read('TANGENT') };
}

function readSkinning(source: GltfPrimitive): Skinning | null {
  const sets: { joints: Uint32Array; weights: Float32Array }[] = [];
  for (let set = 0; ; set++) {
    const joints = source.getAttribute(`JOINTS_${set}`);
    const weights = source.getAttribute(`WEIGHTS_${set}`);
    if (!joints || !weights) break;
    sets.push({ joints: readIntegers(joints), weights: readFloats(weights, 4) });
  }
  if (sets.length === 0) return null;
  const width = sets.length * 4;
  const vertexCount = sets[0]!.joints.length / 4;
  const joints = new Uint32Array(vertexCount * width);
  const weights = new Float32Array(vertexCount * width);
  for (let v = 0; v < vertexCount; v++) {
    let sum = 0;
    for (let i = 0; i < width; i++) {
      const set = sets[i >> 2]!;
      const from = v * 4 + (i & 3);
      joints[v * width + i] = set.joints[from]!;
      weights[v * width + i] = set.weights[from]!;
      sum += set.weights[from]!;
    }
    // Quantised weights rarely sum to exactly 1, and what is left over would shrink the mesh towards the origin.
    if (sum > 0) for (let i = 0; i < width; i++) weights[v * width + i] /= sum;
    else weights[v * width] = 1;
  }
  return { width, joints, weights };
}
