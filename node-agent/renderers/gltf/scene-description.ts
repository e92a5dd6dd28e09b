/**
 * The contract between the loader and the path tracer: one frame of a glTF scene, flattened to world space, with nothing
 * of glTF's structure left. Structured-cloneable; every array's buffer is a SharedArrayBuffer, so that handing it to a
 * thread copies nothing. Units are glTF's: metres, radians, candela / lux / nits; colours are scene-linear Rec. 709.
 */
export interface SceneDescription {
  readonly geometry: SceneGeometry;
  readonly materials: readonly SceneMaterial[];
  readonly images: readonly SceneImage[];
  readonly lights: readonly SceneLight[];
  readonly camera: SceneCamera;
  readonly environment: SceneEnvironment;
  /** Of all vertices; camera defaults and ray offsets scale with it. */
  readonly bounds: { readonly min: Vec3; readonly max: Vec3 };
}

export type Vec3 = readonly [number, number, number];
export type Vec4 = readonly [number, number, number, number];

/** Indexed triangles in world space. Winding: counter-clockwise is front (already flipped for negative determinants). */
export interface SceneGeometry {
  /** Equal keys mean equal arrays: the BVH of an unchanged frame is used again. */
  readonly key: string;
  readonly triangleCount: number;
  readonly vertexCount: number;
  /** vertexCount × 3 */
  readonly positions: Float32Array;
  /** vertexCount × 3, unit length; flat normals where the file has none */
  readonly normals: Float32Array;
  /** vertexCount × 4, w = ±1 handedness; all zero where no normal map needs them */
  readonly tangents: Float32Array;
  /** vertexCount × 2 each; zeros where absent */
  readonly uv0: Float32Array;
  readonly uv1: Float32Array;
  /** vertexCount × 4, linear RGBA; null when no primitive has vertex colours */
  readonly colors: Float32Array | null;
  /** triangleCount × 3 */
  readonly indices: Uint32Array;
  /** triangleCount: index into `materials` */
  readonly materialIds: Uint32Array;
}

export interface SceneMaterial {
  readonly name: string;
  readonly baseColor: Vec4;
  readonly metallic: number;
  readonly roughness: number;
  /** nits; emissiveFactor × KHR_materials_emissive_strength */
  readonly emissive: Vec3;
  readonly normalScale: number;
  readonly alphaMode: 'opaque' | 'mask' | 'blend';
  readonly alphaCutoff: number;
  readonly doubleSided: boolean;
  /** KHR_materials_unlit: the base colour is the radiance that leaves the surface. */
  readonly unlit: boolean;
  readonly baseColorTexture: SceneTexture | null;
  readonly metallicRoughnessTexture: SceneTexture | null;
  readonly normalTexture: SceneTexture | null;
  readonly emissiveTexture: SceneTexture | null;
}

export interface SceneTexture {
  /** index into `images` */
  readonly image: number;
  readonly texCoord: 0 | 1;
  /** KHR_texture_transform as rows of a 2×3 matrix: u' = m[0]u + m[1]v + m[2], v' = m[3]u + m[4]v + m[5] */
  readonly transform: readonly [number, number, number, number, number, number];
  readonly wrapS: 'repeat' | 'clamp' | 'mirror';
  readonly wrapT: 'repeat' | 'clamp' | 'mirror';
  readonly filter: 'nearest' | 'linear';
}

export interface SceneImage {
  readonly widthPx: number;
  readonly heightPx: number;
  /** height × width × 4, 8-bit RGBA as stored, straight alpha; whoever samples decodes sRGB for colour textures */
  readonly data: Uint8Array;
}

export interface SceneLight {
  readonly kind: 'directional' | 'point' | 'spot';
  readonly color: Vec3;
  /** lux for directional, candela for point and spot */
  readonly intensity: number;
  readonly position: Vec3;
  /** unit, the way the light travels (the node's -Z) */
  readonly direction: Vec3;
  /** metres; Infinity when unlimited */
  readonly range: number;
  /** radians from the axis, spot only */
  readonly innerConeAngle: number;
  readonly outerConeAngle: number;
}

export type SceneCamera = {
  /** column-major 4×4 without scale; the camera looks along its -Z, +Y up */
  readonly worldMatrix: readonly number[];
} & (
  | { readonly kind: 'perspective'; readonly yfov: number; readonly znear: number }
  /** half extents in metres; the frame's aspect ratio decides: xmag is used with ymag = xmag ÷ aspect only if ymag is absent in the file */
  | { readonly kind: 'orthographic'; readonly xmag: number; readonly ymag: number; readonly znear: number }
);

export type SceneEnvironment =
  | { readonly kind: 'none' | 'white' | 'sky' }
  | {
      readonly kind: 'image';
      readonly widthPx: number;
      readonly heightPx: number;
      /** height × width × 3 radiance, equirectangular: row 0 is straight up, the centre column looks along -Z */
      readonly data: Float32Array;
    };
