/** Trees and bushes: a low-poly crown, squashed, turned and coloured anew for each, all in one mesh. */
import { MeshBuilder } from './mesh-builder.js';
import { hash } from './noise.js';
import { type Plant, plants } from './planting.js';
import { mix3, normalize3, scale3, type Vec2, type Vec3 } from './vector.js';

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

/** Everything that grows: shrubs on the cones, bushes on the banks, trees on the campus and among the fields. */
export function treeMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  for (const plant of plants()) addPlant(mesh, plant);
  return mesh;
}

function addPlant(mesh: MeshBuilder, plant: Plant): void {
  const { foot, size, lift, seed, kind, green, boughCount = 0 } = plant;
  const middle: Vec3 = [foot[0], foot[1] + size * lift, foot[2]];
  const solid = kind === 'shrub' ? OCTAHEDRON : ICOSAHEDRON;
  addCrown(mesh, solid, middle, boughCount > 0 ? size * 0.68 : size, seed, green);
  if (kind === 'tree') addTrunk(mesh, foot, size * lift);
  for (let bough = 0; bough < boughCount; bough++) {
    // A golden-angle spiral from near the top down to the lowest bough.
    const turn = 6.3 * hash(seed, 3, 76) + bough * 2.39996;
    const fall = (bough + 0.5) / boughCount;
    const out = size * (0.35 + 0.55 * Math.sqrt(fall)) * (0.85 + 0.3 * hash(seed, 20 + bough, 77));
    const at: Vec3 = [
      middle[0] + Math.cos(turn) * out,
      middle[1] + size * (0.62 - 1.15 * fall),
      middle[2] + Math.sin(turn) * out,
    ];
    const share = boughCount > 3 ? 0.36 : 0.52;
    addCrown(
      mesh,
      ICOSAHEDRON,
      at,
      size * share * (0.8 + 0.5 * hash(seed, bough, 77)),
      seed + 997 * (bough + 1),
      green,
    );
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
    const bump = size * (0.72 + 0.52 * hash(seed, 10 + corner, 76));
    const position: Vec3 = [
      middle[0] + (x * cos - z * sin) * bump,
      middle[1] + y * bump * tall,
      middle[2] + (x * sin + z * cos) * bump,
    ];
    return mesh.vertex(position, leafCoordinates(x, y, z, bump), scale3(green, 0.95 + 0.3 * y));
  });
  for (const [a, b, c] of solid.faces) mesh.triangle(ids[a], ids[b], ids[c]);
}

/** Wraps the leaf texture around a crown without a seam, at about 5 m per repeat. */
function leafCoordinates(x: number, y: number, z: number, size: number): Vec2 {
  return [((x + 0.5 * z) * size) / 5, ((y - 0.5 * z) * size) / 5];
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
