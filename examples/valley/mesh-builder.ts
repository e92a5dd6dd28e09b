/** Collects indexed triangles in world space and turns them into one glTF mesh on one node. */
import type { Document, Material } from '@gltf-transform/core';
import { cross3, normalize3, subtract3, type Vec2, type Vec3 } from './vector.js';

/**
 * Texture coordinates are stored as uv ÷ UV_SPAN + 0.5, which fits 16-bit quantisation, and every texture undoes it by
 * KHR_texture_transform (`UV_TRANSFORM`). ±128 repeats cover the valley; a step is 1/256 of a repeat.
 */
export const UV_SPAN = 256;
export const UV_TRANSFORM = { scale: [UV_SPAN, UV_SPAN], offset: [-UV_SPAN / 2, -UV_SPAN / 2] } as const;

export interface MeshOptions {
  /** An unlit surface needs no normals. */
  readonly isUnlit?: boolean;
  /** A level surface whose texture runs east and south gets the tangents that a normal map asks for. */
  readonly isPlan?: boolean;
}

export class MeshBuilder {
  readonly positions: number[] = [];
  readonly uvs: number[] = [];
  readonly colors: number[] = [];
  readonly indices: number[] = [];

  get vertexCount(): number {
    return this.positions.length / 3;
  }

  get triangleCount(): number {
    return this.indices.length / 3;
  }

  /** @returns its index; `color` is linear and multiplies the material's. */
  vertex(position: Vec3, uv: Vec2, color: Vec3): number {
    this.positions.push(...position);
    this.uvs.push(uv[0], uv[1]);
    this.colors.push(...color);
    return this.vertexCount - 1;
  }

  /** Counter-clockwise seen from the front. */
  triangle(a: number, b: number, c: number): void {
    this.indices.push(a, b, c);
  }

  quad(a: number, b: number, c: number, d: number): void {
    this.indices.push(a, b, c, a, c, d);
  }

  /** Four corners, counter-clockwise, with vertices of their own: a flat face with a hard edge. */
  face(
    corners: readonly [Vec3, Vec3, Vec3, Vec3],
    color: Vec3,
    uvs?: readonly [Vec2, Vec2, Vec2, Vec2],
  ): void {
    const ids = corners.map((corner, i) => this.vertex(corner, uvs?.[i] ?? [0, 0], color));
    this.quad(ids[0], ids[1], ids[2], ids[3]);
  }

  /** Joins rows of equally many vertices by quads; front faces up when rows go away (-Z) and columns go right (+X). */
  grid(rows: number, columns: number, vertexAt: (row: number, column: number) => number): void {
    const ids: number[] = [];
    for (let row = 0; row <= rows; row++) {
      for (let column = 0; column <= columns; column++) ids.push(vertexAt(row, column));
    }
    const stride = columns + 1;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const at = row * stride + column;
        this.quad(ids[at], ids[at + 1], ids[at + stride + 1], ids[at + stride]);
      }
    }
  }

  position(vertex: number): Vec3 {
    return [this.positions[vertex * 3], this.positions[vertex * 3 + 1], this.positions[vertex * 3 + 2]];
  }

  /** Unit normals, weighted by the area of the triangles that share a vertex. */
  normals(): Float32Array {
    const sums = new Float64Array(this.positions.length);
    for (let i = 0; i < this.indices.length; i += 3) {
      const [a, b, c] = [this.indices[i], this.indices[i + 1], this.indices[i + 2]];
      const origin = this.position(a);
      const normal = cross3(subtract3(this.position(b), origin), subtract3(this.position(c), origin));
      for (const vertex of [a, b, c]) {
        for (let axis = 0; axis < 3; axis++) sums[vertex * 3 + axis] += normal[axis];
      }
    }
    const unit = new Float32Array(sums.length);
    for (let i = 0; i < sums.length; i += 3) unit.set(normalize3([sums[i], sums[i + 1], sums[i + 2]]), i);
    return unit;
  }

  /** Adds the mesh and its node to the document. Unlit materials get no normals, untextured ones no coordinates. */
  addTo(document: Document, name: string, material: Material, options: MeshOptions = {}): void {
    const buffer = document.getRoot().listBuffers()[0];
    const accessor = (type: 'SCALAR' | 'VEC2' | 'VEC3' | 'VEC4', array: Float32Array | Uint32Array) =>
      document.createAccessor().setType(type).setArray(array).setBuffer(buffer);
    const primitive = document.createPrimitive().setMaterial(material);
    primitive.setIndices(accessor('SCALAR', new Uint32Array(this.indices)));
    primitive.setAttribute('POSITION', accessor('VEC3', new Float32Array(this.positions)));
    if (!options.isUnlit) primitive.setAttribute('NORMAL', accessor('VEC3', this.normals()));
    if (options.isPlan) {
      const eastward = Array.from({ length: this.vertexCount }, () => [1, 0, 0, 1]);
      primitive.setAttribute('TANGENT', accessor('VEC4', new Float32Array(eastward.flat())));
    }
    if (hasTexture(material)) {
      const uvs = new Float32Array(this.uvs.map((value) => value / UV_SPAN + 0.5));
      primitive.setAttribute('TEXCOORD_0', accessor('VEC2', uvs));
    }
    const isWhite = this.colors.every((value) => value === 1);
    if (!isWhite) primitive.setAttribute('COLOR_0', accessor('VEC3', new Float32Array(this.colors)));
    const mesh = document.createMesh(name).addPrimitive(primitive);
    document.getRoot().getDefaultScene()?.addChild(document.createNode(name).setMesh(mesh));
  }
}

function hasTexture(material: Material): boolean {
  return [
    material.getBaseColorTexture(),
    material.getMetallicRoughnessTexture(),
    material.getNormalTexture(),
    material.getEmissiveTexture(),
  ].some((texture) => texture !== null);
}
