/** Trees and bushes: one low-poly crown, squashed, turned and coloured anew for each, all in one mesh. */

import { coneColor, conePoint, NEAR_CONES } from './karst.js';
import {
  CAMPUS_HALF_DEPTH,
  CAMPUS_HALF_WIDTH,
  campusPoint,
  campusWeight,
  RIVER_HALF_WIDTH,
  riverDistance,
} from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { hash, sequence } from './noise.js';
import { levelRadius, STEP_HEIGHT, terracePoint } from './terraces.js';
import { floorHeight, isBelowTerraces } from './terrain.js';
import { mix3, normalize3, scale3, type Vec3 } from './vector.js';

const PHI = (1 + Math.sqrt(5)) / 2;
interface Solid {
  readonly corners: readonly Vec3[];
  readonly faces: readonly (readonly [number, number, number])[];
}

// biome-ignore format: a table
const ICOSAHEDRON: Solid = {
  corners: ([
    [-1, PHI, 0], [1, PHI, 0], [-1, -PHI, 0], [1, -PHI, 0],
    [0, -1, PHI], [0, 1, PHI], [0, -1, -PHI], [0, 1, -PHI],
    [PHI, 0, -1], [PHI, 0, 1], [-PHI, 0, -1], [-PHI, 0, 1],
  ] as const).map((corner) => normalize3(corner)),
  faces: [
    [0, 11, 5], [0, 5, 1], [0, 1, 7], [0, 7, 10], [0, 10, 11], [1, 5, 9], [5, 11, 4], [11, 10, 2], [10, 7, 6], [7, 1, 8],
    [3, 9, 4], [3, 4, 2], [3, 2, 6], [3, 6, 8], [3, 8, 9], [4, 9, 5], [2, 4, 11], [6, 2, 10], [8, 6, 7], [9, 8, 1],
  ],
};
// biome-ignore format: a table
const OCTAHEDRON: Solid = {
  corners: [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]],
  faces: [[0, 1, 2], [1, 3, 2], [3, 1, 5], [1, 0, 5], [0, 2, 4], [2, 3, 4], [3, 5, 4], [5, 0, 4]],
};

interface Plant {
  readonly foot: Vec3;
  /** Radius of the crown, metres. */
  readonly size: number;
  /** Height of the crown's middle over the foot, as a multiple of its radius. */
  readonly lift: number;
  /** A shrub is the cheapest crown, for far away; a tree has a trunk and five crowns. */
  readonly kind: 'shrub' | 'bush' | 'tree';
  readonly seed: number;
  /** Linear; left out, one of many greens. */
  readonly green?: Vec3 | undefined;
}

/** Everything that grows: shrubs on the cones, bushes on the banks, trees on the campus and among the fields. */
export function treeMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  const plants = [...hillsidePlants(), ...riversidePlants(), ...campusPlants(), ...terracePlants()];
  for (const plant of plants) addPlant(mesh, plant);
  return mesh;
}

/** Crowns that break the outline of the near cones. */
function* hillsidePlants(): Generator<Plant> {
  for (const cone of NEAR_CONES) {
    const random = sequence(cone.seed + 300);
    for (let i = 0; i < 110; i++) {
      const t = 0.03 + 0.9 * Math.sqrt(random());
      const angle = random() * 2 * Math.PI;
      const green = scale3(coneColor(cone, t, angle), 0.75 + 0.35 * random());
      const foot = conePoint(cone, t, angle);
      yield { foot, size: 2 + 2.2 * random(), lift: 0.3, kind: 'shrub', seed: cone.seed * 200 + i, green };
    }
  }
}

/** Bamboo groves and willows on both banks and scattered over the floor. */
function* riversidePlants(): Generator<Plant> {
  const random = sequence(71);
  for (let i = 0; i < 1500; i++) {
    const x = -250 + 520 * random();
    const z = -430 + 470 * random();
    const size = 1.8 + 2.6 * random();
    const distance = riverDistance(x, z);
    const isOnBank = distance > RIVER_HALF_WIDTH + 7 && distance < RIVER_HALF_WIDTH + 22;
    const isWanted = isOnBank ? hash(i, 1, 72) < 0.75 : hash(i, 1, 72) < 0.2;
    if (!isWanted || distance < RIVER_HALF_WIDTH + 7) continue;
    if (campusWeight(x, z) > 0.02 || isBelowTerraces(x, z) || isOnBridge(x, z)) continue;
    yield { foot: [x, floorHeight(x, z) - 0.3, z], size, lift: 1.1, kind: 'bush', seed: 7000 + i };
  }
}

/** The approach to the bridge stays free. */
function isOnBridge(x: number, z: number): boolean {
  const [near, far] = [campusPoint(0, 0, -85), campusPoint(0, 0, -190)];
  const t = (z - near[2]) / (far[2] - near[2]);
  return t > -0.1 && t < 1.1 && Math.abs(x - near[0] - t * (far[0] - near[0])) < 12;
}

/** Avenue trees in two rows, and hedgerow trees around the campus. */
function* campusPlants(): Generator<Plant> {
  for (let i = 0; i < 14; i++) {
    for (const side of [-1, 1]) {
      const v = -88 + i * 12.6;
      yield {
        foot: campusPoint(side * 11.5, 0, v),
        size: 2 + 0.5 * hash(i, side, 73),
        lift: 1.9,
        kind: 'tree',
        seed: 8000 + i * 2 + side,
      };
    }
  }
  for (let i = 0; i < 80; i++) {
    const along = -1 + (2 * (i % 40)) / 40;
    const side = i < 40 ? -1 : 1;
    const foot = campusPoint(side * (CAMPUS_HALF_WIDTH - 3), 0, along * (CAMPUS_HALF_DEPTH - 2));
    yield { foot, size: 2.2 + 1.4 * hash(i, 1, 74), lift: 1.5, kind: 'tree', seed: 8200 + i };
  }
}

/** Single trees and bushes on the bunds, for scale. */
function* terracePlants(): Generator<Plant> {
  for (let i = 0; i < 150; i++) {
    const angle = -0.95 + 1.85 * hash(i, 1, 75);
    const level = Math.floor(13 * hash(i, 2, 75));
    const foot = terracePoint(levelRadius(level, angle) + 0.4, (level + 1) * STEP_HEIGHT, angle);
    const isTree = hash(i, 3, 75) < 0.3;
    const size = isTree ? 1.4 + 1.1 * hash(i, 4, 75) : 0.6 + 0.7 * hash(i, 4, 75);
    yield { foot, size, lift: isTree ? 1.6 : 0.6, kind: isTree ? 'tree' : 'bush', seed: 9000 + i };
  }
}

function addPlant(mesh: MeshBuilder, plant: Plant): void {
  const { foot, size, lift, seed } = plant;
  const middle: Vec3 = [foot[0], foot[1] + size * lift, foot[2]];
  const solid = plant.kind === 'shrub' ? OCTAHEDRON : ICOSAHEDRON;
  addCrown(mesh, solid, middle, plant.kind === 'tree' ? size * 0.75 : size, seed, plant.green);
  if (plant.kind !== 'tree') return;
  addTrunk(mesh, foot, size * lift);
  for (let crown = 1; crown <= 4; crown++) {
    const turn = 6.3 * hash(seed, 3, 76) + crown * 2.4;
    const [out, smaller] = [
      size * (0.55 + 0.3 * hash(seed, 4 + crown, 77)),
      size * (0.5 + 0.2 * hash(seed, crown, 77)),
    ];
    const lower: Vec3 = [
      middle[0] + Math.cos(turn) * out,
      middle[1] + size * (0.25 - 0.24 * crown),
      middle[2] + Math.sin(turn) * out,
    ];
    addCrown(mesh, ICOSAHEDRON, lower, smaller, seed + 997 * crown, plant.green);
  }
}

function addCrown(
  mesh: MeshBuilder,
  solid: Solid,
  middle: Vec3,
  size: number,
  seed: number,
  tint?: Vec3,
): void {
  const turn = 2 * Math.PI * hash(seed, 0, 76);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const tall = 0.85 + 0.4 * hash(seed, 1, 76);
  const green = tint ?? mix3([0.13, 0.22, 0.07], [0.25, 0.33, 0.1], hash(seed, 2, 76));
  const ids = solid.corners.map(([x, y, z], corner) => {
    const bump = size * (0.82 + 0.36 * hash(seed, 10 + corner, 76));
    const position: Vec3 = [
      middle[0] + (x * cos - z * sin) * bump,
      middle[1] + y * bump * tall,
      middle[2] + (x * sin + z * cos) * bump,
    ];
    return mesh.vertex(position, [0, 0], scale3(green, 0.75 + 0.25 * y));
  });
  for (const [a, b, c] of solid.faces) mesh.triangle(ids[a], ids[b], ids[c]);
}

function addTrunk(mesh: MeshBuilder, foot: Vec3, height: number): void {
  const ring = (y: number, radius: number) =>
    [0, 1, 2].map((i) => {
      const angle = (i / 3) * 2 * Math.PI;
      return mesh.vertex(
        [foot[0] + radius * Math.cos(angle), foot[1] + y, foot[2] - radius * Math.sin(angle)],
        [0, 0],
        [0.16, 0.12, 0.08],
      );
    });
  const low = ring(-0.4, height * 0.09);
  const high = ring(height, height * 0.06);
  for (let i = 0; i < 3; i++) mesh.quad(low[i], low[(i + 1) % 3], high[(i + 1) % 3], high[i]);
}
