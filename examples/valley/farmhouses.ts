/** A hamlet of gabled farmhouses on the terraces, each with a lit window or two: the valley's measure of size. */
import { MeshBuilder } from './mesh-builder.js';
import { hash } from './noise.js';
import { levelRadius, STEP_HEIGHT, terracePoint } from './terraces.js';
import type { Vec3 } from './vector.js';

/** Angle around the amphitheatre, and level of the field that the house stands on. */
const SITES: readonly (readonly [number, number])[] = [
  [-0.42, 4],
  [-0.37, 4],
  [-0.4, 6],
  [-0.34, 6],
  [-0.46, 7],
  [0.3, 3],
  [0.34, 4],
];
const WALL: Vec3 = [0.42, 0.36, 0.28];
const TIMBER: Vec3 = [0.24, 0.16, 0.1];
const TILES: Vec3 = [0.13, 0.13, 0.14];

export interface FarmhouseMeshes {
  readonly plain: MeshBuilder;
  /** Unlit, as the lamp heads are. */
  readonly windows: MeshBuilder;
}

/** Two hamlets, sorted by material. */
export function farmhouseMeshes(): FarmhouseMeshes {
  const meshes = { plain: new MeshBuilder(), windows: new MeshBuilder() };
  SITES.forEach(([angle, level], index) => {
    addHouse(meshes, angle, level, index);
  });
  return meshes;
}

function addHouse({ plain, windows }: FarmhouseMeshes, angle: number, level: number, index: number): void {
  const ground = (level + 1) * STEP_HEIGHT;
  const radius = levelRadius(level, angle) + 4.6;
  const [halfLength, halfDepth] = [4.4 + 1.6 * hash(index, 0, 91), 2.9];
  const [eaves, ridge] = [ground + 3.4, ground + 5.6];
  // Along the contour, up, and uphill.
  const at = (along: number, y: number, uphill: number): Vec3 =>
    terracePoint(radius + uphill, y, angle + along / radius);
  const wall = (a: readonly [number, number], b: readonly [number, number], color: Vec3) =>
    plain.face(
      [at(a[0], ground, a[1]), at(b[0], ground, b[1]), at(b[0], eaves, b[1]), at(a[0], eaves, a[1])],
      color,
    );
  const [l, d] = [halfLength, halfDepth];
  wall([-l, d], [l, d], WALL);
  wall([l, d], [l, -d], TIMBER);
  wall([l, -d], [-l, -d], WALL);
  wall([-l, -d], [-l, d], TIMBER);
  for (const side of [-1, 1]) {
    const gable = [at(side * l, eaves, side * d), at(side * l, eaves, -side * d), at(side * l, ridge, 0)];
    const ids = gable.map((corner) => plain.vertex(corner, [0, 0], TIMBER));
    plain.triangle(ids[0], ids[1], ids[2]);
    const over = 0.6;
    plain.face(
      [
        at(-side * (l + over), eaves - 0.4, side * (d + over)),
        at(side * (l + over), eaves - 0.4, side * (d + over)),
        at(side * (l + over), ridge + 0.05, 0),
        at(-side * (l + over), ridge + 0.05, 0),
      ],
      TILES,
    );
  }
  // Towards the camera, that is uphill, a hand's breadth off the wall.
  for (const along of hash(index, 1, 91) < 0.5 ? [-2, 1.6] : [0.4]) {
    const [low, high, uphill] = [ground + 1.1, ground + 2.4, d + 0.06];
    windows.face(
      [
        at(along - 0.6, low, uphill),
        at(along + 0.6, low, uphill),
        at(along + 0.6, high, uphill),
        at(along - 0.6, high, uphill),
      ],
      [1, 0.62, 0.26],
    );
  }
}
