/** One mesh primitive as the flattener wants it: triangles over float arrays in mesh space, read once per scene. */

export interface MorphTarget {
  /** Differences, vertexCount × 3 each. */
  readonly positions: Float32Array | null;
  readonly normals: Float32Array | null;
  readonly tangents: Float32Array | null;
}

export interface Skinning {
  /** Influences per vertex: 4, 8, … */
  readonly width: number;
  readonly joints: Uint32Array;
  /** Each vertex's weights sum to 1. */
  readonly weights: Float32Array;
}

export interface Primitive {
  readonly vertexCount: number;
  readonly indices: Uint32Array;
  readonly positions: Float32Array;
  /** null: flat. Every triangle then has its own three vertices, and normals come from the world-space triangle. */
  readonly normals: Float32Array | null;
  readonly tangents: Float32Array | null;
  readonly uv0: Float32Array | null;
  readonly uv1: Float32Array | null;
  readonly colors: Float32Array | null;
  readonly skinning: Skinning | null;
  readonly targets: readonly MorphTarget[];
  readonly material: number;
}

/**
 * The same triangles over a new list of vertices.
 * @param sources  new vertex → old vertex.
 * @param indices  over the new vertices.
 */
export function withVertices(primitive: Primitive, sources: Uint32Array, indices: Uint32Array): Primitive {
  const pick3 = (array: Float32Array | null) => pick(array, sources, 3);
  const { skinning } = primitive;
  return {
    ...primitive,
    vertexCount: sources.length,
    indices,
    positions: pick(primitive.positions, sources, 3)!,
    normals: pick3(primitive.normals),
    tangents: pick(primitive.tangents, sources, 4),
    uv0: pick(primitive.uv0, sources, 2),
    uv1: pick(primitive.uv1, sources, 2),
    colors: pick(primitive.colors, sources, 4),
    skinning: skinning && {
      width: skinning.width,
      joints: pick(skinning.joints, sources, skinning.width)!,
      weights: pick(skinning.weights, sources, skinning.width)!,
    },
    targets: primitive.targets.map((target) => ({
      positions: pick3(target.positions),
      normals: pick3(target.normals),
      tangents: pick3(target.tangents),
    })),
  };
}

/** Gives every triangle its own three vertices, as flat shading needs. */
export function unweld(primitive: Primitive): Primitive {
  const { indices } = primitive;
  return withVertices(
    primitive,
    indices,
    Uint32Array.from(indices, (_, i) => i),
  );
}

function pick<T extends Float32Array | Uint32Array>(
  array: T | null,
  sources: Uint32Array,
  width: number,
): T | null {
  if (!array) return null;
  const out = new (array.constructor as new (length: number) => T)(sources.length * width);
  for (let i = 0; i < sources.length; i++) {
    const from = sources[i]! * width;
    for (let c = 0; c < width; c++) out[i * width + c] = array[from + c]!;
  }
  return out;
}
