/** Where things are: the plan of the valley that every part agrees on. Metres on the ground, x east, z south. */
import { distanceToPath, normalize3, smoothstep, type Vec2, type Vec3 } from './vector.js';

/** Unit vector towards the low sun, left of the camera and slightly ahead; 9 degrees above the horizon. */
export const TO_SUN: Vec3 = normalize3([-0.97, 0.155, -0.13]);

/** Middle line of the river: it comes out of the hills, runs around the campus and leaves to the west. */
export const RIVER: readonly Vec2[] = smoothPath([
  [60, -640],
  [110, -480],
  [150, -360],
  [176, -250],
  [158, -130],
  [104, -40],
  [28, 0],
  [-64, 2],
  [-150, -38],
  [-226, -118],
  [-310, -210],
  [-420, -300],
  [-600, -380],
]);
export const RIVER_HALF_WIDTH = 17;
export const RIVER_LEVEL = -1.4;

/** The campus' own axes: u to its right, v along the avenue that starts at the bridge and ends at the tower. */
const CAMPUS_ORIGIN: Vec2 = [0, -138];
const CAMPUS_SIN = 0.25;
const CAMPUS_COS = Math.sqrt(1 - CAMPUS_SIN * CAMPUS_SIN);
export const CAMPUS_HALF_WIDTH = 104;
export const CAMPUS_HALF_DEPTH = 96;

/** A point of the campus in the valley's coordinates. */
export function campusPoint(u: number, y: number, v: number): Vec3 {
  return [
    CAMPUS_ORIGIN[0] + u * CAMPUS_COS - v * CAMPUS_SIN,
    y,
    CAMPUS_ORIGIN[1] - u * CAMPUS_SIN - v * CAMPUS_COS,
  ];
}

/** The inverse on the ground: (u, v) of a place in the valley. */
export function campusCoordinates(x: number, z: number): Vec2 {
  const dx = x - CAMPUS_ORIGIN[0];
  const dz = z - CAMPUS_ORIGIN[1];
  return [dx * CAMPUS_COS - dz * CAMPUS_SIN, -dx * CAMPUS_SIN - dz * CAMPUS_COS];
}

/** 1 on the levelled campus, 0 well outside. */
export function campusWeight(x: number, z: number): number {
  const [u, v] = campusCoordinates(x, z);
  const outside = Math.max(Math.abs(u) - CAMPUS_HALF_WIDTH, Math.abs(v) - CAMPUS_HALF_DEPTH);
  return 1 - smoothstep(0, 14, outside);
}

/** Metres from the river's middle line. */
export const riverDistance = (x: number, z: number): number => distanceToPath(x, z, RIVER);

/** The terraces form an amphitheatre around this point, on whose southern slope the camera stands. */
export const TERRACE_CENTRE: Vec2 = [0, -130];
/** Foot of the terraces, metres from their centre; `angle` in radians from south, positive to the east. */
export function terraceFoot(angle: number): number {
  return 166 + 52 * smoothstep(0, 1.1, -angle) + 34 * smoothstep(0.2, 1.3, angle);
}

/** Catmull-Rom through the given points, eight steps each. */
function smoothPath(points: readonly Vec2[]): Vec2[] {
  const path: Vec2[] = [];
  for (let i = 0; i + 1 < points.length; i++) {
    const p = [
      points[Math.max(0, i - 1)],
      points[i],
      points[i + 1],
      points[Math.min(points.length - 1, i + 2)],
    ];
    for (let step = 0; step < 8; step++) {
      const t = step / 8;
      const axis = (k: 0 | 1) =>
        0.5 *
        (2 * p[1][k] +
          (p[2][k] - p[0][k]) * t +
          (2 * p[0][k] - 5 * p[1][k] + 4 * p[2][k] - p[3][k]) * t * t +
          (3 * p[1][k] - p[0][k] - 3 * p[2][k] + p[3][k]) * t * t * t);
      path.push([axis(0), axis(1)]);
    }
  }
  path.push(points[points.length - 1]);
  return path;
}
