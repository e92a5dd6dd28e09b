/**
 * Tangents for primitives whose normal map needs them and whose file has none, by meshoptimizer in its
 * MikkTSpace-compatible mode, which glTF prescribes (3.7.2.1). Tangents belong to triangle corners, so vertices on a UV
 * seam or mirror edge are split.
 */
import { MeshoptTangents } from 'meshoptimizer/tangents';
import { type Primitive, withVertices } from './primitive.js';

/** Resolves when `generateTangents` can be called. */
export const tangentsReady: Promise<void> = MeshoptTangents.ready;

/** @returns the primitive with tangents; unchanged when the texture coordinates that they follow are absent. */
export function generateTangents(primitive: Primitive, texCoord: 0 | 1): Primitive {
  const uv = texCoord === 0 ? primitive.uv0 : primitive.uv1;
  if (!uv || primitive.indices.length === 0) return primitive;
  const normals = primitive.normals ?? flatNormals(primitive);
  const corners = MeshoptTangents.generateTangents(
    primitive.indices,
    primitive.positions,
    3,
    normals,
    3,
    uv,
    2,
    ['Compatible'],
  );
  // The generator's bitangent follows v; glTF's points up in the picture, where v points down.
  for (let i = 3; i < corners.length; i += 4) corners[i] = -corners[i]!;
  return splitByTangent(primitive, corners);
}

/** Merges corners of one vertex that got the same tangent; the others become vertices of their own. */
function splitByTangent(primitive: Primitive, corners: Float32Array): Primitive {
  const { vertexCount, indices } = primitive;
  const cornerCount = indices.length;
  const sources = new Uint32Array(vertexCount + cornerCount);
  const tangents = new Float32Array((vertexCount + cornerCount) * 4);
  // Variants of a vertex are a linked list: the vertex itself, then its copies.
  const next = new Int32Array(vertexCount + cornerCount).fill(-1);
  const isTaken = new Uint8Array(vertexCount + cornerCount);
  const newIndices = new Uint32Array(cornerCount);
  for (let v = 0; v < vertexCount; v++) sources[v] = v;
  let count = vertexCount;
  for (let corner = 0; corner < cornerCount; corner++) {
    let variant = indices[corner]!;
    while (isTaken[variant] && !sameTangent(tangents, variant, corners, corner)) {
      if (next[variant] === -1) {
        sources[count] = sources[variant]!;
        next[variant] = count++;
      }
      variant = next[variant]!;
    }
    if (!isTaken[variant]) {
      isTaken[variant] = 1;
      for (let c = 0; c < 4; c++) tangents[variant * 4 + c] = corners[corner * 4 + c]!;
    }
    newIndices[corner] = variant;
  }
  return {
    ...withVertices(primitive, sources.slice(0, count), newIndices),
    tangents: tangents.slice(0, count * 4),
  };
}

function sameTangent(a: Float32Array, i: number, b: Float32Array, j: number): boolean {
  return (
    a[i * 4] === b[j * 4] &&
    a[i * 4 + 1] === b[j * 4 + 1] &&
    a[i * 4 + 2] === b[j * 4 + 2] &&
    a[i * 4 + 3] === b[j * 4 + 3]
  );
}

/** Of an unwelded primitive, in mesh space. */
function flatNormals({ positions, indices, vertexCount }: Primitive): Float32Array {
  const out = new Float32Array(vertexCount * 3);
  for (let t = 0; t < indices.length; t += 3) {
    writeFaceNormal(out, positions, indices[t]!, indices[t + 1]!, indices[t + 2]!);
  }
  return out;
}

/** Writes the unit normal of triangle a b c to all three vertices; +Z when it has no area. */
export function writeFaceNormal(
  out: Float32Array,
  positions: Float32Array,
  a: number,
  b: number,
  c: number,
): void {
  const ax = positions[a * 3]!;
  const ay = positions[a * 3 + 1]!;
  const az = positions[a * 3 + 2]!;
  const ux = positions[b * 3]! - ax;
  const uy = positions[b * 3 + 1]! - ay;
  const uz = positions[b * 3 + 2]! - az;
  const vx = positions[c * 3]! - ax;
  const vy = positions[c * 3 + 1]! - ay;
  const vz = positions[c * 3 + 2]! - az;
  let x = uy * vz - uz * vy;
  let y = uz * vx - ux * vz;
  let z = ux * vy - uy * vx;
  const length = Math.sqrt(x * x + y * y + z * z);
  if (length > 0) {
    x /= length;
    y /= length;
    z /= length;
  } else z = 1;
  out[a * 3] = out[b * 3] = out[c * 3] = x;
  out[a * 3 + 1] = out[b * 3 + 1] = out[c * 3 + 1] = y;
  out[a * 3 + 2] = out[b * 3 + 2] = out[c * 3 + 2] = z;
}
