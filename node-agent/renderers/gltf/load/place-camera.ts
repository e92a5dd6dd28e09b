/** The scene's own camera in the pose of a frame. */
import type { SceneCamera, Vec3 } from '../scene-description.js';
import type { Pose } from './pose.js';
import type { SceneModel } from './scene-model.js';

/** glTF requires a field of view; a file without one is shown all the same. */
const DEFAULT_YFOV = (35 * Math.PI) / 180;

/**
 * @param nodeIndex  the camera's node in the file.
 * @param aspect     width ÷ height of the frame.
 * @returns          null when the scene has no camera.
 */
export function placeCamera(
  model: SceneModel,
  pose: Pose,
  nodeIndex: number | null,
  aspect: number,
): SceneCamera | null {
  const { json } = model;
  const definition = nodeIndex === null ? undefined : json.cameras?.[json.nodes![nodeIndex]!.camera!];
  if (nodeIndex === null || !definition) return null;
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

/** glTF ignores the scale of a camera's node: axes made orthonormal, viewing direction first, then up. */
function withoutScale(m: Float64Array, o: number): readonly number[] {
  const z = normalize([m[o + 8]!, m[o + 9]!, m[o + 10]!]);
  const up: Vec3 = [m[o + 4]!, m[o + 5]!, m[o + 6]!];
  const x = normalize(cross(up, z));
  const y = cross(z, x);
  return [...x, 0, ...y, 0, ...z, 0, m[o + 12]!, m[o + 13]!, m[o + 14]!, 1];
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function normalize(v: Vec3): Vec3 {
  const length = Math.hypot(...v);
  return length > 0 ? [v[0] / length, v[1] / length, v[2] / length] : [0, 0, 1];
}
