/**
 * Puts one drawn primitive into world space: morph, then skin or node transform. Plain loops over typed arrays, since
 * this runs over every vertex of every frame of an animated scene.
 */
import { determinant3, multiply, normalMatrix } from './matrix.js';
import type { Pose } from './pose.js';
import type { Primitive } from './primitive.js';
import type { Draw, Skin } from './scene-model.js';

/** Where a primitive's vertices go: arrays of the whole scene, and its first vertex in them. */
export interface VertexTarget {
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  readonly tangents: Float32Array;
  readonly firstVertex: number;
}

/**
 * Writes positions, normals (unless the primitive is flat) and tangents.
 * @returns whether the transform mirrors, so that triangles must be wound the other way.
 */
export function deform(draw: Draw, pose: Pose, target: VertexTarget): boolean {
  const source = morph(draw.primitive, pose.weights[draw.node] ?? null);
  if (draw.skin) return transformSkinned(draw.primitive, source, draw.skin, pose, target);
  return transformRigid(source, pose.worlds, draw.node * 16, target);
}

interface Vertices {
  readonly positions: Float32Array;
  readonly normals: Float32Array | null;
  readonly tangents: Float32Array | null;
}

function morph(primitive: Primitive, weights: ArrayLike<number> | null): Vertices {
  const { targets } = primitive;
  if (!weights || targets.length === 0) return primitive;
  const add = (base: Float32Array | null, slot: 'positions' | 'normals' | 'tangents', stride: number) => {
    let out: Float32Array | null = null;
    for (const [t, target] of targets.entries()) {
      const weight = weights[t] ?? 0;
      const delta = target[slot];
      if (!base || !delta || weight === 0) continue;
      out ??= base.slice();
      for (let v = 0, i = 0; i < delta.length; v += stride, i += 3) {
        out[v] += weight * delta[i]!;
        out[v + 1] += weight * delta[i + 1]!;
        out[v + 2] += weight * delta[i + 2]!;
      }
    }
    return out ?? base;
  };
  return {
    positions: add(primitive.positions, 'positions', 3)!,
    normals: add(primitive.normals, 'normals', 3),
    tangents: add(primitive.tangents, 'tangents', 4),
  };
}

function transformRigid(source: Vertices, m: Float64Array, o: number, target: VertexTarget): boolean {
  const isMirrored = determinant3(m, o) < 0;
  const { positions } = source;
  const out = target.positions;
  const [m0, m1, m2] = [m[o]!, m[o + 1]!, m[o + 2]!];
  const [m4, m5, m6] = [m[o + 4]!, m[o + 5]!, m[o + 6]!];
  const [m8, m9, m10] = [m[o + 8]!, m[o + 9]!, m[o + 10]!];
  const [m12, m13, m14] = [m[o + 12]!, m[o + 13]!, m[o + 14]!];
  for (let i = 0, to = target.firstVertex * 3; i < positions.length; i += 3, to += 3) {
    const x = positions[i]!;
    const y = positions[i + 1]!;
    const z = positions[i + 2]!;
    out[to] = m0 * x + m4 * y + m8 * z + m12;
    out[to + 1] = m1 * x + m5 * y + m9 * z + m13;
    out[to + 2] = m2 * x + m6 * y + m10 * z + m14;
  }
  if (source.normals) {
    const n = new Float64Array(9);
    normalMatrix(n, m, o);
    rotateUnit(source.normals, 3, n, target.normals, target.firstVertex * 3);
  }
  if (source.tangents) {
    const t = Float64Array.of(m0, m1, m2, m4, m5, m6, m8, m9, m10);
    rotateUnit(source.tangents, 4, t, target.tangents, target.firstVertex * 4);
    copyHandedness(source.tangents, isMirrored, target);
  }
  return isMirrored;
}

/** Multiplies by a 3×3 matrix (column-major) and normalises; a zero vector stays zero. */
function rotateUnit(
  source: Float32Array,
  stride: number,
  m: Float64Array,
  out: Float32Array,
  offset: number,
): void {
  const [a, b, c, d, e, f, g, h, k] = m as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let i = 0; i < source.length; i += stride) {
    const x = source[i]!;
    const y = source[i + 1]!;
    const z = source[i + 2]!;
    writeUnit(out, offset + i, a * x + d * y + g * z, b * x + e * y + h * z, c * x + f * y + k * z);
  }
}

function writeUnit(out: Float32Array, at: number, x: number, y: number, z: number): void {
  const squares = x * x + y * y + z * z;
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  out[at] = x * scale;
  out[at + 1] = y * scale;
  out[at + 2] = z * scale;
}

/** A mirror turns the tangent frame's handedness round. */
function copyHandedness(tangents: Float32Array, isMirrored: boolean, target: VertexTarget): void {
  const sign = isMirrored ? -1 : 1;
  const to = target.firstVertex * 4;
  for (let i = 3; i < tangents.length; i += 4) target.tangents[to + i] = tangents[i]! < 0 ? -sign : sign;
}

/** joints × 16: world matrix of each joint × its inverse bind matrix. The node's own transform does not count. */
export function jointMatrices(skin: Skin, worlds: Float64Array): Float64Array {
  const out = new Float64Array(skin.joints.length * 16);
  for (let j = 0; j < skin.joints.length; j++)
    multiply(out, j * 16, worlds, skin.joints[j]! * 16, skin.inverseBind, j * 16);
  return out;
}

function transformSkinned(
  primitive: Primitive,
  source: Vertices,
  skin: Skin,
  pose: Pose,
  target: VertexTarget,
): boolean {
  const matrices = jointMatrices(skin, pose.worlds);
  const { width, joints, weights } = primitive.skinning!;
  const { positions, normals, tangents } = source;
  const m = new Float64Array(16);
  const n = new Float64Array(9);
  let mirroredVertices = 0;
  for (let v = 0; v < primitive.vertexCount; v++) {
    m.fill(0);
    for (let i = v * width; i < (v + 1) * width; i++) {
      const weight = weights[i]!;
      if (weight === 0) continue;
      const joint = joints[i]! * 16;
      for (let e = 0; e < 15; e++) m[e] += weight * matrices[joint + e]!;
    }
    const x = positions[v * 3]!;
    const y = positions[v * 3 + 1]!;
    const z = positions[v * 3 + 2]!;
    const to = (target.firstVertex + v) * 3;
    target.positions[to] = m[0]! * x + m[4]! * y + m[8]! * z + m[12]!;
    target.positions[to + 1] = m[1]! * x + m[5]! * y + m[9]! * z + m[13]!;
    target.positions[to + 2] = m[2]! * x + m[6]! * y + m[10]! * z + m[14]!;
    const isMirrored = determinant3(m, 0) < 0;
    if (isMirrored) mirroredVertices++;
    if (normals) {
      normalMatrix(n, m, 0);
      const [nx, ny, nz] = [normals[v * 3]!, normals[v * 3 + 1]!, normals[v * 3 + 2]!];
      writeUnit(
        target.normals,
        to,
        n[0]! * nx + n[3]! * ny + n[6]! * nz,
        n[1]! * nx + n[4]! * ny + n[7]! * nz,
        n[2]! * nx + n[5]! * ny + n[8]! * nz,
      );
    }
    if (tangents) {
      const at = (target.firstVertex + v) * 4;
      const [tx, ty, tz] = [tangents[v * 4]!, tangents[v * 4 + 1]!, tangents[v * 4 + 2]!];
      writeUnit(
        target.tangents,
        at,
        m[0]! * tx + m[4]! * ty + m[8]! * tz,
        m[1]! * tx + m[5]! * ty + m[9]! * tz,
        m[2]! * tx + m[6]! * ty + m[10]! * tz,
      );
      target.tangents[at + 3] = tangents[v * 4 + 3]! < 0 !== isMirrored ? -1 : 1;
    }
  }
  return mirroredVertices * 2 > primitive.vertexCount;
}
