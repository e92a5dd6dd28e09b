/** The valley floor: a height field that is level under the campus, carved by the river and finest where one looks. */

import { campusWeight, RIVER_HALF_WIDTH, riverDistance, TERRACE_CENTRE, terraceFoot } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { fractalNoise, noise } from './noise.js';
import { mix, mix3, smoothstep, type Vec3 } from './vector.js';

const COLUMNS = 90;
const ROWS = 78;
/** Metres of ground that one repeat of the grass texture covers. */
const TEXTURE_METRES = 14;

/** Height of the valley floor without the terraces, metres. */
export function floorHeight(x: number, z: number): number {
  const rolling = 1.6 * fractalNoise(x / 90, z / 90, 11, 3) + 0.6;
  const land = mix(Math.max(-0.4, rolling), 0, campusWeight(x, z));
  const bank =
    1 -
    smoothstep(
      RIVER_HALF_WIDTH - 5,
      RIVER_HALF_WIDTH + 9,
      riverDistance(x, z) + 2.5 * noise(x / 22, z / 22, 12),
    );
  return mix(land, -4.5, bank);
}

/** Whether a point lies below the terraces, where the floor must stay out of sight. */
export function isBelowTerraces(x: number, z: number): boolean {
  const dx = x - TERRACE_CENTRE[0];
  const dz = z - TERRACE_CENTRE[1];
  const angle = Math.atan2(dx, dz);
  return Math.abs(angle) < 1.3 && Math.sqrt(dx * dx + dz * dz) > terraceFoot(angle) + 8;
}

/** The floor up to 1,700 m from the middle; under the terraces it dips out of sight. */
export function terrainMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  // Cells of about 4 m around the middle of the picture, growing with the cube of the distance.
  const stretch = (t: number) => 210 * t + 1500 * t * t * t;
  mesh.grid(ROWS, COLUMNS, (row, column) => {
    const x = stretch((column / COLUMNS) * 2 - 1);
    const z = -130 + stretch(1 - (row / ROWS) * 2) * 0.94;
    const y = isBelowTerraces(x, z) ? -6 : floorHeight(x, z);
    return mesh.vertex([x, y, z], [x / TEXTURE_METRES, z / TEXTURE_METRES], floorColor(x, y, z));
  });
  return mesh;
}

/** Meadows and small dry fields; mud at the waterline; the far plain fades into the haze of the ridges. */
function floorColor(x: number, y: number, z: number): Vec3 {
  const meadow = mix3([0.34, 0.42, 0.16], [0.5, 0.44, 0.2], 0.5 + 0.5 * noise(x / 35, z / 35, 21));
  const damp = mix3(meadow, [0.2, 0.18, 0.12], 1 - smoothstep(-1.6, -0.6, y));
  const lawn = mix3(damp, [0.3, 0.4, 0.2], campusWeight(x, z) * 0.7);
  return mix3(lawn, [0.3, 0.36, 0.4], smoothstep(300, 900, Math.sqrt(x * x + (z + 130) ** 2)));
}
