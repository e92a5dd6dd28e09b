/**
 * Turns a surface's normals to the side that is looked at, and bends a shading normal that is impossible from there:
 * one whose mirror direction would dive under the surface, which would leave black specks.
 */
import type { Surface } from './surface.js';

export function faceViewer(
  surface: Surface,
  ray: { readonly dx: number; readonly dy: number; readonly dz: number },
): void {
  if (ray.dx * surface.gx + ray.dy * surface.gy + ray.dz * surface.gz > 0) {
    surface.gx = -surface.gx;
    surface.gy = -surface.gy;
    surface.gz = -surface.gz;
    surface.nx = -surface.nx;
    surface.ny = -surface.ny;
    surface.nz = -surface.nz;
  }
  const { gx, gy, gz } = surface;
  const vx = -ray.dx;
  const vy = -ray.dy;
  const vz = -ray.dz;
  const cosine = vx * gx + vy * gy + vz * gz;
  const toView = vx * surface.nx + vy * surface.ny + vz * surface.nz;
  const toFace = gx * surface.nx + gy * surface.ny + gz * surface.nz;
  const lowest = Math.min(0.9 * cosine, 0.01);
  if (2 * toView * toFace - cosine >= lowest) return;
  bend(surface, vx, vy, vz, cosine, toFace, lowest);
}

/**
 * In the plane of both normals let φ be the angle of the bent normal N from the geometric one G, with x the other axis.
 * The mirror direction R has R·G = 2 (N·V) cos φ − V·G = Vx sin 2φ + Vg cos 2φ, to be `lowest`; so with
 * A = √(Vx² + Vg²) and cos ψ = Vg/A, sin ψ = Vx/A the angle is 2φ = ψ + acos(lowest/A), the larger (nearer) solution.
 */
function bend(
  surface: Surface,
  vx: number,
  vy: number,
  vz: number,
  cosine: number,
  toFace: number,
  lowest: number,
): void {
  const { gx, gy, gz } = surface;
  let x = surface.nx - toFace * gx;
  let y = surface.ny - toFace * gy;
  let z = surface.nz - toFace * gz;
  const length = Math.sqrt(x * x + y * y + z * z);
  if (length < 1e-9) {
    surface.nx = gx;
    surface.ny = gy;
    surface.nz = gz;
    return;
  }
  x /= length;
  y /= length;
  z /= length;
  const across = vx * x + vy * y + vz * z;
  const reach = Math.sqrt(across * across + cosine * cosine);
  const c = Math.min(lowest / Math.max(reach, 1e-12), 1);
  const s = Math.sqrt(1 - c * c);
  const cosTwice = (cosine * c - across * s) / Math.max(reach, 1e-12);
  const along = Math.sqrt(Math.max(0, (1 + cosTwice) / 2));
  const aside = Math.sqrt(Math.max(0, (1 - cosTwice) / 2));
  surface.nx = gx * along + x * aside;
  surface.ny = gy * along + y * aside;
  surface.nz = gz * along + z * aside;
}
