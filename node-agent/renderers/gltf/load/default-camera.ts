/**
 * The camera of a scene that has none: looks at everything from the right front, slightly above, as near as its frame
 * allows. It stands still: one place for a whole animation, from poses spread over the clip, so that it depends on the
 * scene, the animation and the frame's shape but never on the frame's number.
 */
import type { SceneCamera, Vec3 } from '../scene-description.js';
import type { Track } from './animation-tracks.js';
import { deform } from './deform.js';
import { poseAt } from './pose.js';
import type { SceneModel } from './scene-model.js';

/** Shows three sides of an object, as product pictures do. World-space axes of the camera: right, up, backwards. */
const Z: Vec3 = unit([0.6, 0.4, 1]);
const X: Vec3 = unit(cross([0, 1, 0], Z));
const Y: Vec3 = cross(Z, X);
const YFOV = (35 * Math.PI) / 180;
/** Air around the subject; also room for what an animation does between the poses looked at. */
const MARGIN = 1.12;
/** Poses of a clip that are looked at, first and last included. */
const CLIP_POSES = 9;

/**
 * @param aspect  width ÷ height of the frame.
 * Cost: a pass over all vertices, nine if something is animated. It needs memory for one more set of vertices meanwhile.
 */
export function defaultCamera(model: SceneModel, tracks: readonly Track[], aspect: number): SceneCamera {
  return cameraThatFits(
    clipTimes(tracks).map((time) => () => posedPositions(model, tracks, time)),
    aspect,
  );
}

/**
 * The nearest eye from which all points are in view, in the middle of what it sees. In the camera's axes a point p is
 * within film sides of slope t when |px − ex| ≤ t (ez − pz); so with R = max(px + t pz) and L = max(−px + t pz) the eye
 * that touches both sides has ex = (R − L)/2 and ez = (R + L)/(2t), and the same for y. The direction that needs the
 * farther ez decides; in the other one sides of a smaller slope touch from there, and give its middle.
 */
export function cameraThatFits(points: readonly (() => Float32Array)[], aspect: number): SceneCamera {
  const tanY = Math.tan(YFOV / 2) / MARGIN;
  const across = new Reach(tanY * aspect);
  const upright = new Reach(tanY);
  let [nearest, farthest] = [-Infinity, Infinity];
  for (const positionsOf of points) {
    const p = positionsOf();
    for (let i = 0; i < p.length; i += 3) {
      const z = p[i]! * Z[0] + p[i + 1]! * Z[1] + p[i + 2]! * Z[2];
      across.add(p[i]! * X[0] + p[i + 1]! * X[1] + p[i + 2]! * X[2], z);
      upright.add(p[i]! * Y[0] + p[i + 1]! * Y[1] + p[i + 2]! * Y[2], z);
      if (z > nearest) nearest = z;
      if (z < farthest) farthest = z;
    }
  }
  if (!(nearest >= farthest)) return cameraAt(0, 0, 1, 1);
  let ez = Math.max(across.distanceAt(SLOPES), upright.distanceAt(SLOPES));
  // A single point, or a line along the axis: any distance shows it.
  if (!(ez > nearest)) ez = nearest + 1;
  return cameraAt(across.middleFrom(ez), upright.middleFrom(ez), ez, ez - (nearest + farthest) / 2);
}

/** Slopes at which `Reach` is measured; between them it is interpolated, to the safe side since it is convex. */
const SLOPES = 8;

/** How far points reach to both sides of one direction of the film, for film sides of each slope up to the film's own. */
class Reach {
  readonly #step: number;
  readonly #plus = new Float64Array(SLOPES + 1).fill(-Infinity);
  readonly #minus = new Float64Array(SLOPES + 1).fill(-Infinity);

  constructor(slopeMax: number) {
    this.#step = slopeMax / SLOPES;
  }

  add(x: number, z: number): void {
    for (let k = 1; k <= SLOPES; k++) {
      const depth = k * this.#step * z;
      if (depth + x > this.#plus[k]!) this.#plus[k] = depth + x;
      if (depth - x > this.#minus[k]!) this.#minus[k] = depth - x;
    }
  }

  /** Of the eye that touches both sides at slope `k` × step; `k` need not be whole. */
  distanceAt(k: number): number {
    return (at(this.#plus, k) + at(this.#minus, k)) / (2 * k * this.#step);
  }

  /** Halves the interval of slopes until both sides are touched from there. */
  middleFrom(ez: number): number {
    let [low, high] = [1, SLOPES];
    for (let halving = 0; halving < 40; halving++) {
      const middle = (low + high) / 2;
      if (this.distanceAt(middle) > ez) low = middle;
      else high = middle;
    }
    return (at(this.#plus, high) - at(this.#minus, high)) / 2;
  }
}

function at(values: Float64Array, k: number): number {
  const below = Math.min(Math.floor(k), SLOPES - 1);
  return values[below]! + (values[below + 1]! - values[below]!) * (k - below);
}

function cameraAt(ex: number, ey: number, ez: number, distance: number): SceneCamera {
  const eye = [0, 1, 2].map((axis) => X[axis]! * ex + Y[axis]! * ey + Z[axis]! * ez);
  return {
    kind: 'perspective',
    worldMatrix: [...X, 0, ...Y, 0, ...Z, 0, ...eye, 1],
    yfov: YFOV,
    znear: distance * 1e-4,
  };
}

function clipTimes(tracks: readonly Track[]): readonly number[] {
  if (tracks.length === 0) return [0];
  const first = Math.min(...tracks.map(({ times }) => times[0]!));
  const last = Math.max(...tracks.map(({ times }) => times.at(-1)!));
  return Array.from({ length: CLIP_POSES }, (_, i) => first + ((last - first) * i) / (CLIP_POSES - 1));
}

/** World-space positions of all vertices at a time. */
function posedPositions(model: SceneModel, tracks: readonly Track[], timeSeconds: number): Float32Array {
  const pose = poseAt(model.tree, tracks, timeSeconds);
  const count = model.draws.reduce((sum, { primitive }) => sum + primitive.vertexCount, 0);
  const largest = model.draws.reduce((most, { primitive }) => Math.max(most, primitive.vertexCount), 0);
  const positions = new Float32Array(count * 3);
  // Normals and tangents are of no interest: each primitive's go over those of the one before.
  const normals = new Float32Array(largest * 3);
  const tangents = new Float32Array(largest * 4);
  let first = 0;
  for (const draw of model.draws) {
    const end = first + draw.primitive.vertexCount;
    deform(draw, pose, {
      positions: positions.subarray(first * 3, end * 3),
      normals,
      tangents,
      firstVertex: 0,
    });
    first = end;
  }
  return positions;
}

function cross(a: Vec3, b: Vec3): Vec3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: Vec3): Vec3 {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}
