/**
 * A frame that is ready to be traced: plain data over SharedArrayBuffers, built once per node and frame by
 * `buildTraceScene` and read by every slot's thread. Structured-cloneable; a thread turns it into a `PathTracer`.
 */
import type {
  SceneCamera,
  SceneGeometry,
  SceneImage,
  SceneLight,
  SceneMaterial,
} from '../scene-description.js';

export interface TraceScene {
  /** Unique per build, so that a thread recognises a scene it has already set up. Never part of a pixel. */
  readonly id: string;
  readonly geometry: SceneGeometry;
  readonly materials: readonly SceneMaterial[];
  readonly images: readonly SceneImage[];
  readonly lights: readonly SceneLight[];
  readonly camera: SceneCamera;
  readonly bvh: Bvh;
  /** One byte per triangle in leaf order: 1 where the surface may let light through (alpha MASK or BLEND). */
  readonly seeThrough: Uint8Array;
  readonly hasSeeThrough: boolean;
  readonly emitters: EmitterTable;
  readonly environment: TraceEnvironment;
  /** `ggxAlbedoTable()` */
  readonly ggxAlbedo: Float32Array;
  /** How far a ray starts off the surface it leaves, metres. */
  readonly rayOffset: number;
}

/**
 * Binary BVH with the boxes of both children in the parent: 16 words per node, one cache line.
 * Words 0–5 left min xyz and max xyz, 6–11 right, 12 left and 13 right reference (int32 of the same buffer):
 * ≥ 0 an inner node, < 0 a leaf whose complement is `first triangle × 16 + count`. Node 0 is the root.
 */
export interface Bvh {
  readonly nodes: Float32Array;
  /** 9 per triangle: its three corners, in leaf order. */
  readonly corners: Float32Array;
  /** Leaf order → triangle of the geometry. */
  readonly triangleIds: Uint32Array;
}

/** Emissive triangles with probabilities in proportion to the power they emit. */
export interface EmitterTable {
  readonly triangles: Uint32Array;
  /** Cumulative probability, ends at 1. */
  readonly cdf: Float64Array;
  /** Per triangle of the geometry: probability density per m² with which its points are sampled; empty without emitters. */
  readonly densityPerM2: Float32Array;
}

/** Light from infinitely far. `table` covers image and sky: equirectangular, as in `SceneEnvironment`. */
export interface TraceEnvironment {
  readonly kind: 'none' | 'constant' | 'table';
  readonly widthPx: number;
  readonly heightPx: number;
  /** height × width × 3 */
  readonly data: Float32Array;
  /** Sampling grid, at most the table's size: per row cumulative over its cells, and cumulative over rows. */
  readonly gridWidth: number;
  readonly gridHeight: number;
  readonly rowCdf: Float32Array;
  readonly cellCdf: Float32Array;
}
