/**
 * The karst towers that stand around the valley: steep limestone cones with round tops, wooded but for bare cliffs.
 * Each is a polar grid displaced by noise.
 */
import { MeshBuilder } from './mesh-builder.js';
import { fractalNoise, noise } from './noise.js';
import { clamp, mix, mix3, smoothstep, type Vec3 } from './vector.js';

export interface Cone {
  readonly x: number;
  readonly z: number;
  /** Foot, metres. */
  readonly radius: number;
  readonly height: number;
  readonly seed: number;
}

/** Near cones by hand, so that the silhouette is composed: x, z, radius, height. */
const NEAR: readonly (readonly [number, number, number, number])[] = [
  [-215, -300, 62, 108],
  [-150, -405, 44, 82],
  [-322, -205, 58, 76],
  [-360, -390, 70, 126],
  [-92, -530, 50, 104],
  [-18, -620, 46, 84],
  [-250, -560, 60, 118],
  [38, -500, 38, 66],
  [98, -630, 58, 134],
  [208, -440, 54, 96],
  [272, -268, 54, 84],
  [306, -430, 64, 142],
  [378, -250, 60, 106],
  [168, -570, 46, 90],
  [430, -490, 80, 150],
  [-480, -300, 70, 104],
];
export const NEAR_CONES: readonly Cone[] = NEAR.map(([x, z, radius, height], index) => ({
  x,
  z,
  radius,
  height,
  seed: 100 + index,
}));

const TEXTURE_METRES = 24;

/**
 * A point of a cone's skin.
 * @param t      0 at the top, 1 at the foot.
 * @param angle  radians around the axis.
 */
export function conePoint(cone: Cone, t: number, angle: number): Vec3 {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const lobes = fractalNoise(cos * t * 1.9 + 7, sin * t * 1.9, cone.seed, 3);
  const radius = cone.radius * t * (1 + 0.26 * lobes * smoothstep(0.05, 0.4, t));
  // Steep flanks and a dome on top: a superellipse, flared a little where rubble lies at the foot.
  const profile = mix((1 - t ** 2.1) ** 0.95, 1 - t ** 1.4, 0.4);
  const canopy =
    2.6 *
    noise(
      cos * cone.radius * t * 0.16,
      sin * cone.radius * t * 0.16 + profile * cone.height * 0.12,
      cone.seed + 50,
    );
  const height = cone.height * profile * (1 + 0.1 * lobes) + canopy - 5 * smoothstep(0.9, 1, t);
  return [cone.x + radius * cos, height, cone.z + radius * sin];
}

/** Forest green, lighter grass on the crowns, grey rock in bands where the flank is steep. */
export function coneColor(cone: Cone, t: number, angle: number): Vec3 {
  const around = angle * 3;
  const wood = mix3([0.14, 0.25, 0.08], [0.28, 0.37, 0.11], 0.5 + 0.5 * noise(around, t * 9, cone.seed + 60));
  const cliffs =
    fractalNoise(around * 0.7, t * 5 + 3, cone.seed + 70, 3) + 0.25 * Math.sin(t * 24 + cone.seed);
  const bare = smoothstep(0.24, 0.5, cliffs) * smoothstep(0.2, 0.5, t) * (1 - smoothstep(0.85, 1, t));
  const skin = mix3(wood, [0.46, 0.44, 0.37], clamp(bare));
  // A breath of haze for the farther ones, as far as a lit surface can show it.
  return mix3(skin, [0.28, 0.34, 0.42], clamp((-cone.z - 250) / 900) * 0.7);
}

/** Adds one cone as a closed skin of `rings` × `segments` quads, without a floor. */
export function addCone(mesh: MeshBuilder, cone: Cone, rings: number, segments: number): void {
  const girth = Math.max(1, Math.round((cone.radius * 4) / TEXTURE_METRES));
  mesh.grid(segments, rings, (segment, ring) => {
    // Clockwise, so that the faces look outwards.
    const angle = -((segment % segments) / segments) * 2 * Math.PI;
    // Rings crowd towards the foot, where the flank is steepest.
    const t = (ring / rings) ** 0.8;
    const uv = [(segment / segments) * girth, (t * cone.height) / TEXTURE_METRES] as const;
    return mesh.vertex(conePoint(cone, t, angle), uv, coneColor(cone, t, angle));
  });
}

/** The near cones, 1,760 triangles each. */
export function karstMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  for (const cone of NEAR_CONES) addCone(mesh, cone, 22, 40);
  return mesh;
}
