/**
 * Ray against triangles, behind one small interface so that another kernel can take its place: the caller fills `ray`,
 * calls, and reads `hit`. Rays and hits live in objects that are made once, since double arguments of a call that is not
 * inlined would be allocated. This kernel computes in f64 over f32 corners, so hits are exact to about 1e-15 relative.
 */
import { BVH_DEPTH_MAX, BVH_NODE_WORDS } from './build-bvh.js';
import type { Bvh } from './trace-scene.js';

/** Name of the traversal kernel: part of the renderer's version, since another kernel may round differently. */
export const KERNEL_NAME = 'ts-bvh2';

export class Ray {
  ox = 0.5;
  oy = 0.5;
  oz = 0.5;
  /** Unit length is not required; `t` is in units of it. */
  dx = 0.5;
  dy = 0.5;
  dz = 0.5;
  tMin = 0.5;
  tMax = 0.5;
}

export class Hit {
  t = 0.5;
  /** Barycentric weights of the second and third corner. */
  u = 0.5;
  v = 0.5;
  /** Index into the geometry's triangles. */
  triangle = 0;
}

export interface Intersector {
  readonly ray: Ray;
  readonly hit: Hit;
  /** Closest triangle with tMin < t < tMax, into `hit`. */
  closest(): boolean;
  /** Whether anything that lets no light through lies within tMin < t < tMax; see-through triangles are skipped. */
  isOccluded(): boolean;
}

/** Barycentric slack: closes cracks between neighbours whose shared edge rounds differently. */
const EDGE_SLACK = 1e-10;
/** A direction component of 0 would give 0 × ∞ in the slab test. */
const TINY = 1e-30;

export class TypeScriptIntersector implements Intersector {
  readonly ray = new Ray();
  readonly hit = new Hit();
  readonly #nodes: Float32Array;
  readonly #refs: Int32Array;
  readonly #corners: Float32Array;
  readonly #ids: Uint32Array;
  readonly #seeThrough: Uint8Array;
  readonly #stack = new Int32Array(BVH_DEPTH_MAX + 4);
  readonly #stackT = new Float64Array(BVH_DEPTH_MAX + 4);

  constructor(bvh: Bvh, seeThrough: Uint8Array) {
    this.#nodes = bvh.nodes;
    this.#refs = new Int32Array(bvh.nodes.buffer, bvh.nodes.byteOffset, bvh.nodes.length);
    this.#corners = bvh.corners;
    this.#ids = bvh.triangleIds;
    this.#seeThrough = seeThrough;
  }

  closest(): boolean {
    const slot = this.#traverse(false);
    if (slot < 0) return false;
    this.hit.triangle = this.#ids[slot]!;
    return true;
  }

  isOccluded(): boolean {
    return this.#traverse(true) >= 0;
  }

  /**
   * Near child first, the far one on a stack with its distance. Möller–Trumbore for triangles. One long function on
   * purpose: half of all render time is spent here, and everything stays in local variables (a call that the JIT chose
   * not to inline would allocate its doubles). f64 copies of nodes and corners were measured
   * no faster.
   * @returns the leaf-order slot of the closest triangle, or with `anyHit` of the first opaque one found; -1 for none.
   */
  #traverse(anyHit: boolean): number {
    const nodes = this.#nodes;
    const refs = this.#refs;
    const corners = this.#corners;
    const seeThrough = this.#seeThrough;
    const stack = this.#stack;
    const stackT = this.#stackT;
    const ray = this.ray;
    const ox = ray.ox;
    const oy = ray.oy;
    const oz = ray.oz;
    const dx = ray.dx;
    const dy = ray.dy;
    const dz = ray.dz;
    const tMin = ray.tMin;
    let tMax = ray.tMax;
    const ix = 1 / (dx > -TINY && dx < TINY ? TINY : dx);
    const iy = 1 / (dy > -TINY && dy < TINY ? TINY : dy);
    const iz = 1 / (dz > -TINY && dz < TINY ? TINY : dz);
    // Word offsets of the near and far plane on each axis.
    const nx = ix < 0 ? 3 : 0;
    const ny = iy < 0 ? 4 : 1;
    const nz = iz < 0 ? 5 : 2;
    const fx = 3 - nx;
    const fy = 5 - ny;
    const fz = 7 - nz;
    let found = -1;
    let foundU = 0.5;
    let foundV = 0.5;
    let top = 0;
    let ref = 0;
    for (;;) {
      if (ref >= 0) {
        const left = ref * BVH_NODE_WORDS;
        const right = left + 6;
        let enterL = (nodes[left + nx]! - ox) * ix;
        let exitL = (nodes[left + fx]! - ox) * ix;
        let a = (nodes[left + ny]! - oy) * iy;
        let b = (nodes[left + fy]! - oy) * iy;
        if (a > enterL) enterL = a;
        if (b < exitL) exitL = b;
        a = (nodes[left + nz]! - oz) * iz;
        b = (nodes[left + fz]! - oz) * iz;
        if (a > enterL) enterL = a;
        if (b < exitL) exitL = b;
        let enterR = (nodes[right + nx]! - ox) * ix;
        let exitR = (nodes[right + fx]! - ox) * ix;
        a = (nodes[right + ny]! - oy) * iy;
        b = (nodes[right + fy]! - oy) * iy;
        if (a > enterR) enterR = a;
        if (b < exitR) exitR = b;
        a = (nodes[right + nz]! - oz) * iz;
        b = (nodes[right + fz]! - oz) * iz;
        if (a > enterR) enterR = a;
        if (b < exitR) exitR = b;
        // The slack keeps a box whose planes round apart from its triangle's hit.
        const hitsL = enterL <= exitL * 1.00000000001 && exitL >= tMin && enterL < tMax;
        const hitsR = enterR <= exitR * 1.00000000001 && exitR >= tMin && enterR < tMax;
        if (hitsL) {
          if (hitsR) {
            if (enterL <= enterR) {
              stack[top] = refs[left + 13]!;
              stackT[top++] = enterR;
              ref = refs[left + 12]!;
            } else {
              stack[top] = refs[left + 12]!;
              stackT[top++] = enterL;
              ref = refs[left + 13]!;
            }
          } else {
            ref = refs[left + 12]!;
          }
          continue;
        }
        if (hitsR) {
          ref = refs[left + 13]!;
          continue;
        }
      } else {
        const leaf = ~ref;
        let slot = leaf >>> 4;
        const end = slot + (leaf & 15);
        for (; slot < end; slot++) {
          if (anyHit && seeThrough[slot] !== 0) continue;
          const at = slot * 9;
          const x0 = corners[at]!;
          const y0 = corners[at + 1]!;
          const z0 = corners[at + 2]!;
          const ax = corners[at + 3]! - x0;
          const ay = corners[at + 4]! - y0;
          const az = corners[at + 5]! - z0;
          const bx = corners[at + 6]! - x0;
          const by = corners[at + 7]! - y0;
          const bz = corners[at + 8]! - z0;
          const px = dy * bz - dz * by;
          const py = dz * bx - dx * bz;
          const pz = dx * by - dy * bx;
          const determinant = ax * px + ay * py + az * pz;
          if (determinant === 0) continue;
          const inverse = 1 / determinant;
          const sx = ox - x0;
          const sy = oy - y0;
          const sz = oz - z0;
          const u = (sx * px + sy * py + sz * pz) * inverse;
          if (u < -EDGE_SLACK || u > 1 + EDGE_SLACK) continue;
          const qx = sy * az - sz * ay;
          const qy = sz * ax - sx * az;
          const qz = sx * ay - sy * ax;
          const v = (dx * qx + dy * qy + dz * qz) * inverse;
          if (v < -EDGE_SLACK || u + v > 1 + EDGE_SLACK) continue;
          const t = (bx * qx + by * qy + bz * qz) * inverse;
          if (t > tMin && t < tMax) {
            if (anyHit) return slot;
            tMax = t;
            found = slot;
            foundU = u;
            foundV = v;
          }
        }
      }
      do {
        if (top === 0) {
          if (found >= 0) {
            this.hit.t = tMax;
            this.hit.u = foundU;
            this.hit.v = foundV;
          }
          return found;
        }
        top--;
      } while (stackT[top]! >= tMax);
      ref = stack[top]!;
    }
  }
}
