/**
 * Ridge behind ridge: cones too far away for path-traced light to matter, with sunlight and aerial perspective painted
 * into the vertex colours of an unlit material (radiance in nits). Nearest first as solid cones, then as curtains.
 */

import { addCone, type Cone } from './karst.js';
import { TO_SUN } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { hash, noise } from './noise.js';
import { hazeRadiance } from './sky.js';
import { add3, dot3, mix3, normalize3, scale3, type Vec3 } from './vector.js';

/** Where the camera spends its move, seen from the far hills. */
const EYE: Vec3 = [25, 42, 145];
/** Metres after which haze has replaced 63 % of a hill. */
const HAZE_LENGTH = 1500;
const SUN_RADIANCE: Vec3 = [0.8, 0.36, 0.14];
const SKY_RADIANCE: Vec3 = [0.1, 0.13, 0.2];

/** Solid cones between 880 and 1,440 m in the camera's field of view. */
function middleCones(): Cone[] {
  const cones: Cone[] = [];
  for (let index = 0; index < 27; index++) {
    const azimuth = -0.86 + (1.72 * (index + 0.8 * hash(index, 0, 41))) / 27;
    const distance = 880 + 560 * hash(index, 1, 41);
    cones.push({
      x: EYE[0] + distance * Math.sin(azimuth),
      z: EYE[2] - distance * Math.cos(azimuth),
      radius: 66 + 46 * hash(index, 2, 41),
      height: 96 + 110 * hash(index, 3, 41),
      seed: 200 + index,
    });
  }
  return cones;
}

/** Middle cones and three curtains, from 880 m to 3 km. */
export function ridgeMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  for (const cone of middleCones()) addCone(mesh, cone, 11, 24);
  paint(mesh);
  addCurtain(mesh, 1650, 205, 42);
  addCurtain(mesh, 2250, 255, 43);
  addCurtain(mesh, 3000, 320, 44);
  return mesh;
}

/** Replaces albedo by the radiance that reaches the eye: sunlit, skylit, then veiled by haze, thicker near the ground. */
function paint(mesh: MeshBuilder): void {
  const normals = mesh.normals();
  for (let vertex = 0; vertex < mesh.vertexCount; vertex++) {
    const albedo = mesh.colors.slice(vertex * 3, vertex * 3 + 3) as unknown as Vec3;
    const normal: Vec3 = [normals[vertex * 3], normals[vertex * 3 + 1], normals[vertex * 3 + 2]];
    const sun = scale3(SUN_RADIANCE, Math.max(0, dot3(normal, TO_SUN)));
    const light = add3(sun, scale3(SKY_RADIANCE, 0.6 + 0.4 * normal[1]));
    const lit: Vec3 = [albedo[0] * light[0], albedo[1] * light[1], albedo[2] * light[2]];
    setColor(mesh, vertex, veiled(lit, mesh.position(vertex)));
  }
}

function setColor(mesh: MeshBuilder, vertex: number, color: Vec3): void {
  for (let channel = 0; channel < 3; channel++) mesh.colors[vertex * 3 + channel] = color[channel];
}

function veiled(radiance: Vec3, position: Vec3): Vec3 {
  const offset: Vec3 = [position[0] - EYE[0], 0, position[2] - EYE[2]];
  const distance = Math.sqrt(dot3(offset, offset));
  const thickness = 0.62 + 1.5 * Math.exp(-Math.max(0, position[1]) / 60);
  const veil = 1 - Math.exp((-distance / HAZE_LENGTH) * thickness);
  return mix3(radiance, hazeRadiance(normalize3(offset), distance), veil);
}

/** A row of overlapping cone silhouettes at one distance from the eye. */
function addCurtain(mesh: MeshBuilder, distance: number, height: number, seed: number): void {
  const columns = 230;
  const rows = 4;
  mesh.grid(rows, columns, (row, column) => {
    const azimuth = -1.05 + (2.1 * column) / columns;
    const x = EYE[0] + distance * Math.sin(azimuth);
    const z = EYE[2] - distance * Math.cos(azimuth);
    const y = skyline(azimuth * distance, height, seed) * (row / rows);
    const id = mesh.vertex([x, y, z], [0, 0], [0, 0, 0]);
    const sunlit = 0.022 + 0.05 * (row / rows) * (0.5 + 0.5 * noise(column * 0.4, row, seed));
    setColor(mesh, id, veiled([sunlit * 1.2, sunlit, sunlit * 0.9], [x, y, z]));
    return id;
  });
}

/** Highest of the rounded cones along a ridge at arc length `s`, metres. */
function skyline(s: number, height: number, seed: number): number {
  const spacing = height * 0.42;
  const cell = Math.floor(s / spacing);
  let top = height * 0.25;
  for (let index = cell - 2; index <= cell + 2; index++) {
    const middle = (index + 0.2 + 0.6 * hash(index, 0, seed)) * spacing;
    const tall = height * (0.42 + 0.58 * hash(index, 1, seed));
    const t = Math.abs(s - middle) / (tall * 0.55);
    if (t < 1) top = Math.max(top, tall * (1 - t ** 2.4) ** 0.9);
  }
  return top;
}
