/** Where plants grow: on the cones, along the river, on the campus and among the fields. */
import { coneColor, conePoint, NEAR_CONES } from './karst.js';
import {
  CAMPUS_HALF_DEPTH,
  CAMPUS_HALF_WIDTH,
  campusPoint,
  campusWeight,
  RIVER_HALF_WIDTH,
  riverDistance,
} from './layout.js';
import { hash, sequence } from './noise.js';
import { levelRadius, STEP_HEIGHT, terracePoint } from './terraces.js';
import { floorHeight, isBelowTerraces } from './terrain.js';
import { scale3, type Vec3 } from './vector.js';

export interface Plant {
  readonly foot: Vec3;
  /** Radius of the crown, metres. */
  readonly size: number;
  /** Height of the crown's middle over the foot, as a multiple of its radius. */
  readonly lift: number;
  /** A shrub is the cheapest crown, for far away; a tree stands on a trunk. */
  readonly kind: 'shrub' | 'bush' | 'tree';
  /** How many smaller crowns hang around the middle one; more for what stands near the camera. */
  readonly boughCount?: number;
  readonly seed: number;
  /** Linear; left out, one of many greens. */
  readonly green?: Vec3 | undefined;
}

/** Every plant of the valley, always in the same order. */
export function* plants(): Generator<Plant> {
  yield* hillsidePlants();
  yield* riversidePlants();
  yield* campusPlants();
  yield* terracePlants();
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
    const isWanted = isOnBank ? hash(i, 1, 72) < 0.6 : hash(i, 1, 72) < 0.2;
    if (!isWanted || distance < RIVER_HALF_WIDTH + 7) continue;
    if (campusWeight(x, z) > 0.02 || isBelowTerraces(x, z) || isOnBridge(x, z)) continue;
    yield {
      foot: [x, floorHeight(x, z) - 0.3, z],
      size,
      lift: 0.65,
      kind: 'bush',
      boughCount: z > -30 ? 5 : 0,
      seed: 7000 + i,
    };
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
        boughCount: 2,
        seed: 8000 + i * 2 + side,
      };
    }
  }
  for (let i = 0; i < 80; i++) {
    const along = -1 + (2 * (i % 40)) / 40;
    const side = i < 40 ? -1 : 1;
    const foot = campusPoint(side * (CAMPUS_HALF_WIDTH - 3), 0, along * (CAMPUS_HALF_DEPTH - 2));
    yield { foot, size: 2.2 + 1.4 * hash(i, 1, 74), lift: 1.5, kind: 'tree', boughCount: 2, seed: 8200 + i };
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
    yield {
      foot,
      size,
      lift: isTree ? 1.7 : 0.6,
      kind: isTree ? 'tree' : 'bush',
      boughCount: isTree ? 9 : 0,
      seed: 9000 + i,
    };
  }
}
