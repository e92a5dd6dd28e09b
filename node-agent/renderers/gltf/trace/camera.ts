/** Rays from the film: perspective keeps the vertical field of view, orthographic the half extents of the scene's camera. */
import type { SceneCamera } from '../scene-description.js';
import type { Ray } from './intersector.js';

export class Camera {
  readonly #isPerspective: boolean;
  /** Half extents of the film: at distance 1 for perspective, in metres for orthographic. */
  readonly #halfWidth: number;
  readonly #halfHeight: number;
  readonly #znear: number;
  readonly #widthPx: number;
  readonly #heightPx: number;
  readonly #m: Float64Array;

  constructor(camera: SceneCamera, widthPx: number, heightPx: number) {
    const aspect = widthPx / heightPx;
    this.#isPerspective = camera.kind === 'perspective';
    if (camera.kind === 'perspective') {
      this.#halfHeight = Math.tan(camera.yfov / 2);
      this.#halfWidth = this.#halfHeight * aspect;
    } else {
      this.#halfHeight = camera.ymag;
      this.#halfWidth = camera.ymag * aspect;
    }
    this.#znear = camera.znear;
    this.#widthPx = widthPx;
    this.#heightPx = heightPx;
    this.#m = Float64Array.from(camera.worldMatrix);
  }

  /** Unit direction; `tMin` lies on the near plane. `u`, `v` place the sample within the pixel, origin top-left. */
  castRay(x: number, y: number, within: { readonly u: number; readonly v: number }, ray: Ray): void {
    const m = this.#m;
    const sx = (((x + within.u) / this.#widthPx) * 2 - 1) * this.#halfWidth;
    const sy = (1 - ((y + within.v) / this.#heightPx) * 2) * this.#halfHeight;
    if (this.#isPerspective) {
      const length = Math.sqrt(sx * sx + sy * sy + 1);
      ray.ox = m[12]!;
      ray.oy = m[13]!;
      ray.oz = m[14]!;
      ray.dx = (m[0]! * sx + m[4]! * sy - m[8]!) / length;
      ray.dy = (m[1]! * sx + m[5]! * sy - m[9]!) / length;
      ray.dz = (m[2]! * sx + m[6]! * sy - m[10]!) / length;
      ray.tMin = this.#znear * length;
    } else {
      ray.ox = m[12]! + m[0]! * sx + m[4]! * sy;
      ray.oy = m[13]! + m[1]! * sx + m[5]! * sy;
      ray.oz = m[14]! + m[2]! * sx + m[6]! * sy;
      ray.dx = -m[8]!;
      ray.dy = -m[9]!;
      ray.dz = -m[10]!;
      ray.tMin = this.#znear;
    }
    ray.tMax = Number.POSITIVE_INFINITY;
  }

  /** Distance of a point along the camera's −Z, metres. */
  depthOf(point: { readonly px: number; readonly py: number; readonly pz: number }): number {
    const m = this.#m;
    return -((point.px - m[12]!) * m[8]! + (point.py - m[13]!) * m[9]! + (point.pz - m[14]!) * m[10]!);
  }
}
