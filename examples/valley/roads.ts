/** The avenue, its bridge over the river, the embankment road, and the lamp posts along them. */
import { CAMPUS_HALF_DEPTH, campusPoint, RIVER, RIVER_HALF_WIDTH } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { floorHeight } from './terrain.js';
import { mix, normalize3, type Vec2, type Vec3 } from './vector.js';

const ASPHALT: Vec3 = [0.12, 0.12, 0.125];
const GRAVEL: Vec3 = [0.34, 0.31, 0.27];
const KERB: Vec3 = [0.5, 0.48, 0.44];
const AVENUE_HALF_WIDTH = 5;
export const BRIDGE_FROM = -178;
export const LAMP_HEIGHT = 7.5;

/** Feet of the lamp posts in campus coordinates: along the avenue and the bridge, on alternate sides. */
export const LAMPS: readonly { readonly u: number; readonly v: number; readonly y: number }[] = Array.from(
  { length: 17 },
  (_, index) => {
    const v = BRIDGE_FROM + 6 + index * 15;
    return { u: (index % 2 === 0 ? -1 : 1) * (AVENUE_HALF_WIDTH + 0.3), v, y: deckHeight(v) };
  },
);

/** Height of the avenue: level on the campus, a shallow arch over the river, metres. */
export function deckHeight(v: number): number {
  const end = -CAMPUS_HALF_DEPTH;
  if (v >= end) return 0.25;
  const t = (v - end) / (BRIDGE_FROM - end);
  return 0.25 + 2.6 * 4 * t * (1 - t) + 1.4 * t;
}

export interface RoadMeshes {
  readonly plain: MeshBuilder;
  /** Lamp heads: unlit, since many tiny emitters would only make noise; a few punctual lights do their work. */
  readonly lampHeads: MeshBuilder;
}

/** Roads, bridge and lamp posts, sorted by material. */
export function roadMeshes(): RoadMeshes {
  const plain = new MeshBuilder();
  const lampHeads = new MeshBuilder();
  addAvenue(plain);
  addPiers(plain);
  addEmbankment(plain);
  for (const lamp of LAMPS) {
    const inward = -Math.sign(lamp.u);
    addPost(plain, lamp.u, lamp.v, lamp.y);
    const head = lamp.u + inward * 1.2;
    addPrism(
      lampHeads,
      [head - 0.55, head + 0.55],
      [lamp.v - 0.3, lamp.v + 0.3],
      lamp.y + LAMP_HEIGHT - 0.35,
      lamp.y + LAMP_HEIGHT,
    );
  }
  return { plain, lampHeads };
}

function addAvenue(mesh: MeshBuilder): void {
  const steps = 40;
  const ribbon = (u0: number, u1: number, lift: number, color: Vec3) =>
    mesh.grid(steps, 1, (row, column) => {
      const v = mix(BRIDGE_FROM, 74, row / steps);
      return mesh.vertex(campusPoint(column === 0 ? u0 : u1, deckHeight(v) + lift, v), [0, 0], color);
    });
  ribbon(-AVENUE_HALF_WIDTH, AVENUE_HALF_WIDTH, 0, ASPHALT);
  ribbon(-0.15, 0.15, 0.03, [0.6, 0.58, 0.5]);
  for (const side of [-1, 1]) {
    ribbon(side * AVENUE_HALF_WIDTH - 0.9, side * AVENUE_HALF_WIDTH + 0.9, 0.18, KERB);
    const edge = side * (AVENUE_HALF_WIDTH + 0.9);
    // Parapets, seen from both sides.
    for (const turn of [-1, 1]) {
      mesh.grid(16, 1, (row, column) => {
        const v = mix(BRIDGE_FROM, -CAMPUS_HALF_DEPTH, row / 16);
        const top = (column === 0) === turn > 0;
        return mesh.vertex(campusPoint(edge, deckHeight(v) + (top ? 1 : -0.9), v), [0, 0], KERB);
      });
    }
  }
}

function addPiers(mesh: MeshBuilder): void {
  for (const t of [0.3, 0.5, 0.7]) {
    const v = mix(-CAMPUS_HALF_DEPTH, BRIDGE_FROM, t);
    addPrism(mesh, [-4.6, 4.6], [v - 0.9, v + 0.9], -5, deckHeight(v) - 0.3, KERB);
  }
}

/** The road on the river's inner bank: the river's line pushed towards the campus. */
function addEmbankment(mesh: MeshBuilder): void {
  const [from, to] = [26, 68];
  const offset = (index: number, metres: number): Vec3 => {
    const [before, here, after] = [RIVER[index - 1], RIVER[index], RIVER[index + 1]];
    const along: Vec2 = [after[0] - before[0], after[1] - before[1]];
    const side = normalize3([-along[1], 0, along[0]]);
    const [x, z] = [here[0] + side[0] * metres, here[1] + side[2] * metres];
    return [x, Math.max(floorHeight(x, z), 0) + 0.45, z];
  };
  mesh.grid(to - from, 1, (row, column) =>
    mesh.vertex(offset(from + row, RIVER_HALF_WIDTH + 11 + (column === 0 ? 0 : 6)), [0, 0], GRAVEL),
  );
}

function addPost(mesh: MeshBuilder, u: number, v: number, y: number): void {
  const color: Vec3 = [0.2, 0.2, 0.21];
  addPrism(mesh, [u - 0.1, u + 0.1], [v - 0.1, v + 0.1], y, y + LAMP_HEIGHT, color);
  const inward = -Math.sign(u);
  const arm: [number, number] = inward > 0 ? [u, u + 1.4] : [u - 1.4, u];
  addPrism(mesh, arm, [v - 0.09, v + 0.09], y + LAMP_HEIGHT, y + LAMP_HEIGHT + 0.15, color);
}

function addPrism(
  mesh: MeshBuilder,
  u: readonly [number, number],
  v: readonly [number, number],
  from: number,
  to: number,
  color: Vec3 = [1, 1, 1],
): void {
  const p = (i: 0 | 1, y: number, j: 0 | 1) => campusPoint(u[i], y, v[j]);
  mesh.face([p(0, from, 0), p(1, from, 0), p(1, to, 0), p(0, to, 0)], color);
  mesh.face([p(1, from, 0), p(1, from, 1), p(1, to, 1), p(1, to, 0)], color);
  mesh.face([p(1, from, 1), p(0, from, 1), p(0, to, 1), p(1, to, 1)], color);
  mesh.face([p(0, from, 1), p(0, from, 0), p(0, to, 0), p(0, to, 1)], color);
  mesh.face([p(0, to, 0), p(1, to, 0), p(1, to, 1), p(0, to, 1)], color);
  mesh.face([p(0, from, 1), p(1, from, 1), p(1, from, 0), p(0, from, 0)], color);
}
