/** The river's surface: level tiles along its bed, reaching under both banks, which the floor is carved for. */
import { RIVER_HALF_WIDTH, RIVER_LEVEL, riverDistance } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import type { Vec2, Vec3 } from './vector.js';

const TEXTURE_METRES = 18;
const TILE_METRES = 20;
/** West, north, east and south edge of what any camera sees of it, metres. */
const [WEST, NORTH, EAST, SOUTH] = [-600, -640, 260, 60];

/** Tiles of 20 m wherever the bed is near, all at one level. */
export function riverMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  const reach = RIVER_HALF_WIDTH + 10 + TILE_METRES * 0.75;
  for (let x = WEST; x < EAST; x += TILE_METRES) {
    for (let z = NORTH; z < SOUTH; z += TILE_METRES) {
      if (riverDistance(x + TILE_METRES / 2, z + TILE_METRES / 2) < reach) addTile(mesh, x, z);
    }
  }
  return mesh;
}

function addTile(mesh: MeshBuilder, x: number, z: number): void {
  const [far, right] = [z + TILE_METRES, x + TILE_METRES];
  const at = (px: number, pz: number): Vec3 => [px, RIVER_LEVEL, pz];
  const uv = (px: number, pz: number): Vec2 => [px / TEXTURE_METRES, pz / TEXTURE_METRES];
  mesh.face(
    [at(x, far), at(right, far), at(right, z), at(x, z)],
    [1, 1, 1],
    [uv(x, far), uv(right, far), uv(right, z), uv(x, z)],
  );
}
