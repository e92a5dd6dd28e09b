/**
 * Terraced fields on the near slope: each level is a strip that follows its contour, so edges are crisp curves at few
 * triangles. A level has a stone riser, an earth bund and fields behind it; some fields stand under water.
 */
import { TERRACE_CENTRE, terraceFoot } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { hash, noise } from './noise.js';
import { mix, type Vec2, type Vec3 } from './vector.js';

const LEVELS = 16;
const COLUMNS = 150;
const ANGLE_FROM = -1.12;
const ANGLE_TO = 1.0;
/** Metres from one level to the next. */
export const STEP_HEIGHT = 2.05;
const TREAD = 9.2;
const BUND_WIDTH = 0.75;
const BUND_HEIGHT = 0.5;
const WATER_DEPTH = 0.18;
const TEXTURE_METRES = 9;

type Crop = 'water' | 'rice' | 'gold' | 'soil' | 'stubble';
const CROP_COLORS: Readonly<Record<Exclude<Crop, 'water'>, Vec3>> = {
  rice: [0.3, 0.5, 0.13],
  gold: [0.66, 0.5, 0.16],
  soil: [0.36, 0.24, 0.15],
  stubble: [0.46, 0.44, 0.24],
};
const RISER_COLOR: Vec3 = [0.26, 0.27, 0.15];
const BUND_COLOR: Vec3 = [0.33, 0.34, 0.16];

/** Radius at which level `level` starts, metres from the centre of the amphitheatre. */
export function levelRadius(level: number, angle: number): number {
  const wander = 11 * noise(angle * 4.4, level * 0.16, 31) + 3 * noise(angle * 12, level * 0.35, 32);
  return terraceFoot(angle) + level * TREAD + wander;
}

/** From polar coordinates around the amphitheatre's centre; `angle` in radians from south, positive to the east. */
export function terracePoint(radius: number, y: number, angle: number): Vec3 {
  return [TERRACE_CENTRE[0] + radius * Math.sin(angle), y, TERRACE_CENTRE[1] + radius * Math.cos(angle)];
}

export interface TerraceMeshes {
  readonly land: MeshBuilder;
  readonly water: MeshBuilder;
}

/** All levels, lowest first: earth, stone and dry crops in one mesh, water in the other. */
export function terraceMeshes(): TerraceMeshes {
  const land = new MeshBuilder();
  const water = new MeshBuilder();
  for (let level = 0; level < LEVELS; level++) addLevel(land, water, level);
  return { land, water };
}

function addLevel(land: MeshBuilder, water: MeshBuilder, level: number): void {
  const top = (level + 1) * STEP_HEIGHT;
  const fields = fieldsOf(level);
  for (let column = 0; column < COLUMNS; column++) {
    const ends = [column, column + 1].map((c) => mix(ANGLE_FROM, ANGLE_TO, c / COLUMNS));
    const crop = fields[column];
    const at = (offset: number, y: number, end: 0 | 1, isNext = false): Vec3 =>
      terracePoint(levelRadius(isNext ? level + 1 : level, ends[end]) + offset, y, ends[end]);
    const strip = (from: Vec2, to: Vec2, color: Vec3) =>
      addStrip(
        land,
        [at(from[0], from[1], 0), at(from[0], from[1], 1), at(to[0], to[1], 1), at(to[0], to[1], 0)],
        color,
      );

    const shade = 0.86 + 0.28 * hash(column >> 2, level, 33);
    const tint = (color: Vec3): Vec3 => [color[0] * shade, color[1] * shade, color[2] * shade];
    strip([-0.7, top - STEP_HEIGHT - 0.4], [0, top + BUND_HEIGHT], tint(RISER_COLOR));
    strip([0, top + BUND_HEIGHT], [BUND_WIDTH, top + BUND_HEIGHT], tint(BUND_COLOR));
    const floor = crop === 'water' ? top - 0.1 : top + 0.12;
    strip([BUND_WIDTH, top + BUND_HEIGHT], [BUND_WIDTH + 0.35, floor], tint(BUND_COLOR));
    const surface: [Vec3, Vec3, Vec3, Vec3] = [
      at(BUND_WIDTH + 0.3, crop === 'water' ? top + WATER_DEPTH : floor, 0),
      at(BUND_WIDTH + 0.3, crop === 'water' ? top + WATER_DEPTH : floor, 1),
      at(-0.5, crop === 'water' ? top + WATER_DEPTH : floor, 1, true),
      at(-0.5, crop === 'water' ? top + WATER_DEPTH : floor, 0, true),
    ];
    if (crop === 'water') addStrip(water, surface, [1, 1, 1]);
    else addStrip(land, surface, CROP_COLORS[crop]);
    if (column > 0 && fields[column - 1] !== crop) addCrossBund(land, level, ends[0], top);
  }
}

/** Which crop each column of a level grows: fields of 3 to 14 columns. */
function fieldsOf(level: number): Crop[] {
  const fields: Crop[] = [];
  for (let field = 0; fields.length < COLUMNS; field++) {
    const length = 3 + Math.floor(12 * hash(field, level, 34));
    const roll = hash(field, level, 35);
    const crop: Crop =
      roll < 0.5 ? 'water' : roll < 0.68 ? 'rice' : roll < 0.8 ? 'gold' : roll < 0.9 ? 'stubble' : 'soil';
    for (let i = 0; i < length && fields.length < COLUMNS; i++) fields.push(crop);
  }
  return fields;
}

/** A narrow earth wall between two fields of one level. */
function addCrossBund(land: MeshBuilder, level: number, angle: number, top: number): void {
  const half = 0.45 / levelRadius(level, angle);
  const near = levelRadius(level, angle) + BUND_WIDTH;
  const far = levelRadius(level + 1, angle) - 0.4;
  const y = top + BUND_HEIGHT;
  const corner = (radius: number, height: number, side: number) =>
    terracePoint(radius, height, angle + side * half);
  addStrip(
    land,
    [corner(near, y, -1), corner(near, y, 1), corner(far, y, 1), corner(far, y, -1)],
    BUND_COLOR,
  );
  for (const side of [-1, 1]) {
    const foot = side * 1.5;
    addStrip(
      land,
      [
        corner(near, y, side),
        corner(near, top - 0.1, foot),
        corner(far, top - 0.1, foot),
        corner(far, y, side),
      ],
      BUND_COLOR,
    );
  }
}

/** Corners run along the contour, then outwards; seen from above that is clockwise, so the face is turned. */
function addStrip(mesh: MeshBuilder, corners: readonly [Vec3, Vec3, Vec3, Vec3], color: Vec3): void {
  const [a, b, c, d] = corners;
  const uv = (p: Vec3): Vec2 => [p[0] / TEXTURE_METRES, (p[2] + p[1]) / TEXTURE_METRES];
  mesh.face([a, d, c, b], color, [uv(a), uv(d), uv(c), uv(b)]);
}
