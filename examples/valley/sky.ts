/**
 * The dusk: one function of direction says how bright the sky is, for the dome that one sees and for the haze that the
 * far ridges drown in. The dome is unlit, so its vertex colours are radiance in nits; it stays open around the sun's
 * direction, since a directional light shines from outside it.
 */
import { TO_SUN } from './layout.js';
import { MeshBuilder } from './mesh-builder.js';
import { add3, clamp, dot3, mix3, normalize3, scale3, smoothstep, type Vec3 } from './vector.js';

/** Metres; large beside the valley, so that the hole for the sun can be small. */
const DOME_RADIUS = 4200;
const DOME_CENTRE: Vec3 = [0, -60, -150];
const RINGS = 26;
const SEGMENTS = 72;
/** Cosine of the hole's half angle: sunbeams for everything within about 700 m of the centre. */
const HOLE_COSINE = Math.cos(0.17);
/** What the cloud texture holds where the sky is clear, linear; the dome's colours are divided by it. */
export const CLEAR_SKY_TEXEL = 0.75;

/** Radiance of the clear sky in nits towards a unit direction. */
export function skyRadiance(direction: Vec3): Vec3 {
  const height = Math.max(0, direction[1]);
  const flat = normalize3([direction[0], 0, direction[2]]);
  const towardsSun = 0.5 + 0.5 * dot3(flat, normalize3([TO_SUN[0], 0, TO_SUN[2]]));
  const warmth = towardsSun * towardsSun;
  const horizon = mix3([0.56, 0.22, 0.15], [1, 0.33, 0.045], warmth);
  const middle = mix3([0.17, 0.12, 0.25], [0.42, 0.18, 0.16], warmth);
  const deep = mix3([0.028, 0.065, 0.21], [0.06, 0.085, 0.21], warmth);
  // Overhead, where no camera looks, the arch is lighter than a real one: it fills the shadows.
  const overhead: Vec3 = [0.06, 0.11, 0.2];
  const low = mix3(horizon, middle, smoothstep(0.05, 0.17, height));
  const high = mix3(low, deep, smoothstep(0.11, 0.3, height));
  const clear = mix3(high, overhead, smoothstep(0.35, 0.8, height));
  const glow = Math.max(0, dot3(direction, TO_SUN)) ** 14;
  return add3(clear, scale3([0.5, 0.24, 0.08], 0.8 * glow));
}

/** Radiance of haze `distance` metres deep in a level direction: blue shade nearby, the horizon's own colour far off. */
export function hazeRadiance(direction: Vec3, distance: number): Vec3 {
  const horizon = scale3(skyRadiance(normalize3([direction[0], 0.04, direction[2]])), 0.8);
  return mix3([0.085, 0.095, 0.19], horizon, smoothstep(700, 3400, distance));
}

/** The dome from inside: colours are radiance over the clear texel of the cloud texture, which repeats four times around. */
export function skyMesh(): MeshBuilder {
  const mesh = new MeshBuilder();
  const direction = (ring: number, segment: number): Vec3 => {
    // Rings are closest at the horizon, where the colours change fastest.
    const elevation = -0.06 + (Math.PI / 2 + 0.06) * (ring / RINGS) ** 1.6;
    const azimuth = (segment / SEGMENTS) * 2 * Math.PI;
    const level = Math.cos(elevation);
    return [Math.sin(azimuth) * level, Math.sin(elevation), Math.cos(azimuth) * level];
  };
  const ids: number[] = [];
  for (let ring = 0; ring <= RINGS; ring++) {
    for (let segment = 0; segment <= SEGMENTS; segment++) {
      const towards = direction(ring, segment);
      const uv = [(segment / SEGMENTS) * 4, 1 - (ring / RINGS) ** 0.8] as const;
      const radiance = scale3(skyRadiance(towards), 1 / CLEAR_SKY_TEXEL);
      // A colour is at most 1; only the rim of the hole, behind the camera's left edge, would be brighter.
      const color: Vec3 = [clamp(radiance[0]), clamp(radiance[1]), clamp(radiance[2])];
      ids.push(mesh.vertex(add3(DOME_CENTRE, scale3(towards, DOME_RADIUS)), uv, color));
    }
  }
  for (let ring = 0; ring < RINGS; ring++) {
    for (let segment = 0; segment < SEGMENTS; segment++) {
      const middle = direction(ring + 0.5, segment + 0.5);
      if (dot3(middle, TO_SUN) > HOLE_COSINE) continue;
      const at = ring * (SEGMENTS + 1) + segment;
      mesh.quad(ids[at], ids[at + SEGMENTS + 1], ids[at + SEGMENTS + 2], ids[at + 1]);
    }
  }
  return mesh;
}
