/** The little vector and colour arithmetic that the generator needs. Metres, +Y up, -Z north; colours scene-linear. */
export type Vec2 = readonly [number, number];
export type Vec3 = readonly [number, number, number];

export const clamp = (value: number, low = 0, high = 1): number => Math.min(high, Math.max(low, value));

export function smoothstep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from));
  return t * t * (3 - 2 * t);
}

export const mix = (a: number, b: number, t: number): number => a + (b - a) * t;

export const mix3 = (a: Vec3, b: Vec3, t: number): Vec3 => [
  mix(a[0], b[0], t),
  mix(a[1], b[1], t),
  mix(a[2], b[2], t),
];

export const scale3 = (a: Vec3, factor: number): Vec3 => [a[0] * factor, a[1] * factor, a[2] * factor];
export const add3 = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract3 = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const dot3 = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

export const cross3 = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

export function normalize3(a: Vec3): Vec3 {
  const length = Math.sqrt(dot3(a, a));
  return length > 0 ? scale3(a, 1 / length) : [0, 1, 0];
}

/** Shortest distance from a point to a chain of points on the ground. */
export function distanceToPath(x: number, z: number, path: readonly Vec2[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i + 1 < path.length; i++) {
    const [ax, az] = path[i];
    const dx = path[i + 1][0] - ax;
    const dz = path[i + 1][1] - az;
    const t = clamp(((x - ax) * dx + (z - az) * dz) / (dx * dx + dz * dz));
    best = Math.min(best, (x - ax - t * dx) ** 2 + (z - az - t * dz) ** 2);
  }
  return Math.sqrt(best);
}

/** The rotation (x, y, z, w) of a node at `from` whose -Z looks at `target`, +Y up: glTF's cameras and lights. */
export function lookAt(from: Vec3, target: Vec3): [number, number, number, number] {
  const back = normalize3(subtract3(from, target));
  const right = normalize3(cross3([0, 1, 0], back));
  const up = cross3(back, right);
  // Shepperd's method; the camera never rolls or looks straight up, so the trace stays positive or the Y term leads.
  const trace = right[0] + up[1] + back[2];
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    return [(up[2] - back[1]) / s, (back[0] - right[2]) / s, (right[1] - up[0]) / s, s / 4];
  }
  const s = 2 * Math.sqrt(1 + up[1] - right[0] - back[2]);
  return [(up[0] + right[1]) / s, s / 4, (back[1] + up[2]) / s, (back[0] - right[2]) / s];
}
