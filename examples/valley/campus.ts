/**
 * The campus: eight server halls in two rows along an avenue, a tower at its end, roofs full of coolers, strips of
 * blue-white light under the eaves. Facades are flat; their windows are in the textures.
 */
import { campusPoint } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { hash } from './noise.js';
import type { Vec2, Vec3 } from './vector.js';

/** Middle of each hall in campus coordinates. */
export const HALL_ROWS = [-66, -21, 24, 69] as const;
const HALL_COLUMNS = [-57, 57] as const;
const HALL_LENGTH = 78;
const HALL_DEPTH = 24;
const HALL_HEIGHT = 11;
const TOWER: Box = { u: 0, v: 104, width: 24, depth: 20, from: 0, to: 44 };
/** One repeat of the facade texture: metres along the wall and up it. */
const FACADE_METRES: Vec2 = [24, HALL_HEIGHT];

const ROOF: Vec3 = [0.3, 0.31, 0.33];
const MACHINE: Vec3 = [0.42, 0.43, 0.44];
const PAVING: Vec3 = [0.36, 0.35, 0.33];

interface Box {
  readonly u: number;
  readonly v: number;
  readonly width: number;
  readonly depth: number;
  readonly from: number;
  readonly to: number;
}

export interface CampusMeshes {
  /** Walls with windows. */
  readonly facades: MeshBuilder;
  /** Roofs, coolers, paving: plain coloured. */
  readonly plain: MeshBuilder;
  /** Blue-white strips under the eaves. */
  readonly strips: MeshBuilder;
  /** Glazed entrances, warm from inside. */
  readonly lobbies: MeshBuilder;
}

/** The whole campus, sorted by material. */
export function campusMeshes(): CampusMeshes {
  const meshes = {
    facades: new MeshBuilder(),
    plain: new MeshBuilder(),
    strips: new MeshBuilder(),
    lobbies: new MeshBuilder(),
  };
  HALL_ROWS.forEach((v, row) => {
    HALL_COLUMNS.forEach((u, column) => {
      addHall(
        meshes,
        { u, v, width: HALL_LENGTH, depth: HALL_DEPTH, from: 0, to: HALL_HEIGHT },
        row * 2 + column,
      );
    });
  });
  addTower(meshes);
  addPaving(meshes.plain);
  return meshes;
}

function addHall(meshes: CampusMeshes, box: Box, index: number): void {
  addWalls(meshes.facades, box, hash(index, 0, 81));
  addBox(
    meshes.plain,
    { ...box, width: box.width + 1.6, depth: box.depth + 1.6, from: box.to, to: box.to + 0.9 },
    ROOF,
  );
  addStrip(meshes.strips, box, -1);
  const inner = Math.sign(box.u);
  const door: Box = {
    u: box.u - inner * (HALL_LENGTH / 2 + 3),
    v: box.v,
    width: 6,
    depth: 12,
    from: 0,
    to: 5.4,
  };
  addSides(meshes.lobbies, door, [1, 1, 1]);
  addBox(meshes.plain, { ...door, width: 8, depth: 14, from: 5.4, to: 5.9 }, ROOF);
  for (let cooler = 0; cooler < 14; cooler++) {
    const along = box.u - HALL_LENGTH / 2 + 6 + (cooler >> 1) * 11;
    const across = box.v + (cooler % 2 === 0 ? -5.5 : 5.5);
    if (hash(index, cooler + 5, 82) < 0.14) continue;
    const tall = 1.8 + 0.9 * hash(index, cooler >> 1, 83);
    addBox(
      meshes.plain,
      { u: along, v: across, width: 7, depth: 5, from: box.to + 0.9, to: box.to + 0.9 + tall },
      MACHINE,
    );
  }
}

function addTower(meshes: CampusMeshes): void {
  addWalls(meshes.facades, TOWER, 0.37);
  addBox(meshes.plain, { ...TOWER, width: 25, depth: 21, from: TOWER.to, to: TOWER.to + 1 }, ROOF);
  addBox(meshes.plain, { ...TOWER, width: 10, depth: 8, from: TOWER.to + 1, to: TOWER.to + 5 }, MACHINE);
  for (const height of [TOWER.to - 0.9, 11.4]) {
    addStrip(meshes.strips, { ...TOWER, to: height + 0.9 }, -1);
  }
  addSides(meshes.lobbies, { ...TOWER, width: 30, depth: 26, to: 6 }, [1, 1, 1]);
  addBox(meshes.plain, { ...TOWER, width: 32, depth: 28, from: 6, to: 6.8 }, ROOF);
}

/** Four walls with facade coordinates; every building starts its windows elsewhere in the texture. */
function addWalls(mesh: MeshBuilder, box: Box, start: number): void {
  const shift = Math.floor(start * 16) / 16;
  for (const wall of wallsOf(box)) {
    const wide = wall.length / FACADE_METRES[0];
    const tall = (box.to - box.from) / FACADE_METRES[1];
    mesh.face(
      wall.corners,
      [1, 1, 1],
      [
        [shift, 0],
        [shift + wide, 0],
        [shift + wide, -tall],
        [shift, -tall],
      ],
    );
  }
}

function addSides(mesh: MeshBuilder, box: Box, color: Vec3): void {
  for (const wall of wallsOf(box)) mesh.face(wall.corners, color);
}

/** Walls seen from outside: lower left, lower right, upper right, upper left. */
function wallsOf(box: Box): { corners: [Vec3, Vec3, Vec3, Vec3]; length: number }[] {
  const [left, right] = [box.u - box.width / 2, box.u + box.width / 2];
  const [near, far] = [box.v - box.depth / 2, box.v + box.depth / 2];
  const ground: [Vec2, Vec2][] = [
    [
      [left, near],
      [right, near],
    ],
    [
      [right, near],
      [right, far],
    ],
    [
      [right, far],
      [left, far],
    ],
    [
      [left, far],
      [left, near],
    ],
  ];
  return ground.map(([a, b]) => ({
    corners: [
      campusPoint(a[0], box.from, a[1]),
      campusPoint(b[0], box.from, b[1]),
      campusPoint(b[0], box.to, b[1]),
      campusPoint(a[0], box.to, a[1]),
    ],
    length: Math.abs(b[0] - a[0]) + Math.abs(b[1] - a[1]),
  }));
}

function addBox(mesh: MeshBuilder, box: Box, color: Vec3): void {
  addSides(mesh, box, color);
  addSlab(mesh, box.u, box.v, box.width, box.depth, box.to, color);
}

function addSlab(
  mesh: MeshBuilder,
  u: number,
  v: number,
  width: number,
  depth: number,
  y: number,
  color: Vec3,
): void {
  const corner = (du: number, dv: number) => campusPoint(u + (du * width) / 2, y, v + (dv * depth) / 2);
  mesh.face([corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)], color);
}

/** A line of light just below the roof of the wall that faces `side` along v; it stands 0.1 m off the wall. */
function addStrip(mesh: MeshBuilder, box: Box, side: -1 | 1): void {
  const v = box.v + side * (box.depth / 2 + 0.1);
  const half = box.width / 2 - 0.4;
  const [low, high] = [box.to - 0.85, box.to - 0.3];
  mesh.face(
    [
      campusPoint(box.u - half, low, v),
      campusPoint(box.u + half, low, v),
      campusPoint(box.u + half, high, v),
      campusPoint(box.u - half, high, v),
    ],
    [1, 1, 1],
  );
}

/** Lanes between the halls and the square in front of the tower. */
function addPaving(mesh: MeshBuilder): void {
  for (const v of [-43.5, 1.5, 46.5, 90]) addSlab(mesh, 0, v, 196, 9, 0.16, PAVING);
  addSlab(mesh, 0, 84, 50, 26, 0.2, [0.45, 0.43, 0.4]);
}
