/** The camera of a frame: the scene's own in its pose, or one that frames everything when the scene has none. */
import type { SceneCamera, SceneDescription, Vec3 } from '../scene-description.js';
import type { Pose } from './pose.js';
import type { SceneModel } from './scene-model.js';

/** From the right front, slightly above: shows three sides of an object, as product pictures do. */
const DEFAULT_DIRECTION: Vec3 = normalize([0.6, 0.4, 1]);
const DEFAULT_YFOV = (35 * Math.PI) / 180;
/** Air around the subject. */
const DEFAULT_MARGIN = 1.06;

/**
 * @param nodeIndex  the camera's node in the file; null for the default camera.
 * @param aspect     width ÷ height of the frame.
 */
export function placeCamera(
  model: SceneModel,
  pose: Pose,
  nodeIndex: number | null,
  bounds: SceneDescription['bounds'],
  aspect: number,
): SceneCamera {
  const { json } = model;
  const definition = nodeIndex === null ? undefined : json.cameras?.[json.nodes![nodeIndex]!.camera!];
  if (nodeIndex === null || !definition) return defaultCamera(bounds, aspect);
  const worldMatrix = withoutScale(pose.worlds, model.tree.placeOf[nodeIndex]! * 16);
  const { perspective, orthographic } = definition;
  if (orthographic) {
    const { xmag, ymag, znear } = orthographic;
    // Older exporters leave ymag out, or write 0 for "square pixels".
    const height = ymag ? Math.abs(ymag) : Math.abs(xmag) / aspect;
    return { kind: 'orthographic', worldMatrix, xmag: Math.abs(xmag), ymag: height, znear };
  }
  return {
    kind: 'perspective',
    worldMatrix,
    yfov: perspective?.yfov ?? DEFAULT_YFOV,
    znear: perspective?.znear ?? 0,
  };
}

/** Looks at the middle of the bounds from as near as all eight corners allow. */
export function defaultCamera(bounds: SceneDescription['bounds'], aspect: number): SceneCamera {
  const { min, max } = bounds;
  const center: Vec3 = [(min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2];
  const z = DEFAULT_DIRECTION;
  const x = normalize(cross([0, 1, 0], z));
  const y = cross(z, x);
  const tanY = Math.tan(DEFAULT_YFOV / 2);
  const tanX = tanY * aspect;
  let distance = 0;
  for (let corner = 0; corner < 8; corner++) {
    const p: Vec3 = [
      (corner & 1 ? max : min)[0] - center[0],
      (corner & 2 ? max : min)[1] - center[1],
      (corner & 4 ? max : min)[2] - center[2],
    ];
    const reach = Math.max(Math.abs(dot(p, x)) / tanX, Math.abs(dot(p, y)) / tanY);
    distance = Math.max(distance, dot(p, z) + reach * DEFAULT_MARGIN);
  }
  if (distance === 0) distance = 1;
  const eye: Vec3 = [center[0] + z[0] * distance, center[1] + z[1] * distance, center[2] + z[2] * distance];
  return {
    kind: 'perspective',
    worldMatrix: [...x, 0, ...y, 0, ...z, 0, ...eye, 1],
    yfov: DEFAULT_YFOV,
    znear: distance * 1e-4,
  };
}

/** glTF ignores the scale of a camera's node: axes made orthonormal, viewing direction first, then up. */
function withoutScale(m: Float64Array, o: number): readonly number[] {
  const z = normalize([m[o + 8]!, m[o + 9]!, m[o + 10]!]);
  const up: Vec3 = [m[o + 4]!, m[o + 5]!, m[o + 6]!];
  const x = normalize(cross(up, z));
  const y = cross(z, x);
  return [...x, 0, ...y, 0, ...z, 0, m[o + 12]!, m[o + 13]!, m[o + 14]!, 1];
}

function dot(a: Vec3, b: Vec3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function normalize(v: Vec3): Vec3 {
  const length = Math.hypot(...v);
  return length > 0 ? [v[0] / length, v[1] / length, v[2] / length] : [0, 0, 1];
}
