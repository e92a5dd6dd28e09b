/** Small scene descriptions for the tracer's tests: quads, spheres, one material per shape. */

import type { LayerName } from '#shared/domain/layers.js';
import type { Region } from '#shared/domain/region.js';
import type {
  SceneCamera,
  SceneDescription,
  SceneEnvironment,
  SceneImage,
  SceneLight,
  SceneMaterial,
  Vec3,
} from '../scene-description.js';
import { buildTraceScene } from './build-trace-scene.js';
import { PathTracer, type PathTracerOptions } from './path-tracer.js';
import { renderTile } from './render-tile.js';

export interface TestShape {
  readonly positions: readonly number[];
  readonly normals: readonly number[];
  readonly uvs?: readonly number[];
  readonly indices: readonly number[];
  readonly material: Partial<SceneMaterial>;
}

export const WHITE: SceneMaterial = {
  name: 'white',
  baseColor: [1, 1, 1, 1],
  metallic: 0,
  roughness: 1,
  emissive: [0, 0, 0],
  normalScale: 1,
  alphaMode: 'opaque',
  alphaCutoff: 0.5,
  doubleSided: false,
  unlit: false,
  baseColorTexture: null,
  metallicRoughnessTexture: null,
  normalTexture: null,
  emissiveTexture: null,
};

/** A rectangle around `center`; its front looks along cross(right, up). Texture u grows along right, v against up. */
export function quad(center: Vec3, right: Vec3, up: Vec3, material: Partial<SceneMaterial> = {}): TestShape {
  const at = (r: number, u: number) => center.map((c, axis) => c + right[axis]! * r + up[axis]! * u);
  const cross = [
    right[1] * up[2] - right[2] * up[1],
    right[2] * up[0] - right[0] * up[2],
    right[0] * up[1] - right[1] * up[0],
  ];
  const length = Math.hypot(...cross);
  const normal = cross.map((c) => c / length);
  return {
    positions: [...at(-1, -1), ...at(1, -1), ...at(1, 1), ...at(-1, 1)],
    normals: [...normal, ...normal, ...normal, ...normal],
    uvs: [0, 1, 1, 1, 1, 0, 0, 0],
    indices: [0, 1, 2, 0, 2, 3],
    material,
  };
}

export function sphere(
  center: Vec3,
  radius: number,
  material: Partial<SceneMaterial> = {},
  rings = 64,
): TestShape {
  const positions: number[] = [];
  const normals: number[] = [];
  const indices: number[] = [];
  const sectors = rings * 2;
  for (let ring = 0; ring <= rings; ring++) {
    const theta = (Math.PI * ring) / rings;
    for (let sector = 0; sector <= sectors; sector++) {
      const phi = (2 * Math.PI * sector) / sectors;
      const n = [Math.sin(theta) * Math.cos(phi), Math.cos(theta), -Math.sin(theta) * Math.sin(phi)];
      normals.push(...n);
      positions.push(...n.map((c, axis) => center[axis]! + c * radius));
      if (ring === rings || sector === sectors) continue;
      const a = ring * (sectors + 1) + sector;
      const b = a + sectors + 1;
      if (ring > 0) indices.push(a, b, a + 1);
      if (ring < rings - 1) indices.push(a + 1, b, b + 1);
    }
  }
  return { positions, normals, indices, material };
}

/** Straight above the origin at `height`, looking down; +X is right and −Z is up in the picture. */
export function cameraAbove(height: number, halfExtent: number): SceneCamera {
  const worldMatrix = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, height, 0, 1];
  return { kind: 'orthographic', xmag: halfExtent, ymag: halfExtent, znear: 0, worldMatrix };
}

/** At distance z in front of the origin, looking along −Z. */
export function cameraInFront(z: number, yfov: number): SceneCamera {
  const worldMatrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, z, 1];
  return { kind: 'perspective', yfov, znear: 0.001, worldMatrix };
}

let sceneCount = 0;

export function describe(scene: {
  readonly shapes: readonly TestShape[];
  readonly camera: SceneCamera;
  readonly environment?: SceneEnvironment;
  readonly lights?: readonly Partial<SceneLight>[];
  readonly images?: readonly SceneImage[];
}): SceneDescription {
  const positions: number[] = [];
  const normals: number[] = [];
  const uvs: number[] = [];
  const indices: number[] = [];
  const materialIds: number[] = [];
  scene.shapes.forEach((shape, index) => {
    const first = positions.length / 3;
    positions.push(...shape.positions);
    normals.push(...shape.normals);
    uvs.push(...(shape.uvs ?? new Array((shape.positions.length / 3) * 2).fill(0)));
    indices.push(...shape.indices.map((vertex) => vertex + first));
    for (let count = 0; count < shape.indices.length / 3; count++) materialIds.push(index);
  });
  const vertexCount = positions.length / 3;
  const axis = (a: number) => positions.filter((_, index) => index % 3 === a);
  const edge = (pick: (...values: number[]) => number): Vec3 => [
    axis(0).reduce((a, b) => pick(a, b), 0),
    axis(1).reduce((a, b) => pick(a, b), 0),
    axis(2).reduce((a, b) => pick(a, b), 0),
  ];
  return {
    geometry: {
      key: `test ${sceneCount++}`,
      triangleCount: indices.length / 3,
      vertexCount,
      positions: Float32Array.from(positions),
      normals: Float32Array.from(normals),
      // +X with right-handed bitangent: enough for the flat quads that carry normal maps here.
      tangents: Float32Array.from({ length: vertexCount * 4 }, (_, i) =>
        i % 4 === 0 || i % 4 === 3 ? 1 : 0,
      ),
      uv0: Float32Array.from(uvs),
      uv1: new Float32Array(uvs.length),
      colors: null,
      indices: Uint32Array.from(indices),
      materialIds: Uint32Array.from(materialIds),
    },
    materials: scene.shapes.map((shape) => ({ ...WHITE, ...shape.material })),
    images: scene.images ?? [],
    lights: (scene.lights ?? []).map((light) => ({ ...DEFAULT_LIGHT, ...light })),
    camera: scene.camera,
    environment: scene.environment ?? { kind: 'none' },
    bounds: { min: edge(Math.min), max: edge(Math.max) },
  };
}

const DEFAULT_LIGHT: SceneLight = {
  kind: 'directional',
  color: [1, 1, 1],
  intensity: 1,
  position: [0, 0, 0],
  direction: [0, -1, 0],
  range: Number.POSITIVE_INFINITY,
  innerConeAngle: 0,
  outerConeAngle: Math.PI / 4,
};

export interface TestRender {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly samples: number;
  readonly layers?: readonly LayerName[];
  readonly region?: Region;
  readonly tracer?: PathTracerOptions;
}

/** Renders the whole frame, or a region of it; one array per layer. */
export function render(description: SceneDescription, settings: TestRender): Float32Array[] {
  const { widthPx, heightPx, samples } = settings;
  const scene = buildTraceScene(description);
  const region = settings.region ?? { x0: 0, y0: 0, x1: widthPx, y1: heightPx };
  const tile = {
    region,
    widthPx,
    heightPx,
    samples,
    seed: 1,
    frame: 0,
    layers: settings.layers ?? ['beauty'],
  };
  const control = { isCancelled: () => false, progress: () => {} };
  return renderTile(scene, new PathTracer(scene, settings.tracer), tile, control).map((layer) => layer.data);
}

/** Mean of one channel of a beauty layer. */
export function meanOf(beauty: Float32Array, channel = 0): number {
  let sum = 0;
  for (let index = channel; index < beauty.length; index += 4) sum += beauty[index]!;
  return sum / (beauty.length / 4);
}
