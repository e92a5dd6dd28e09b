/**
 * Lights without size. One of them is chosen per shaded point, in proportion to the unshadowed irradiance that each
 * gives there, so a point costs one shadow ray however many lights there are.
 * Source of every formula: KHR_lights_punctual.
 */
import type { SceneLight } from '../scene-description.js';
import type { Sampler } from './sampler.js';
import type { Surface } from './surface.js';

const DIRECTIONAL = 0;
const POINT = 1;
const SPOT = 2;
const WORDS = 13;

export class PunctualLights {
  readonly count: number;
  /** Unit direction to the chosen light, and its distance in metres (Infinity if directional). */
  wx = 0.5;
  wy = 0.5;
  wz = 0.5;
  distance = 0.5;
  /** Irradiance on a plane that faces the light ÷ the chance of having been chosen, lux. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  /** Per light: kind, position xyz, direction xyz, intensity × color rgb, range, cone scale, cone offset. */
  readonly #lights: Float64Array;
  #dx = 0.5;
  #dy = 0.5;
  #dz = 0.5;
  #distance = 0.5;
  #attenuation = 0.5;

  constructor(lights: readonly SceneLight[]) {
    this.count = lights.length;
    this.#lights = new Float64Array(lights.length * WORDS);
    lights.forEach((light, index) => {
      const kind = light.kind === 'directional' ? DIRECTIONAL : light.kind === 'point' ? POINT : SPOT;
      const spread = Math.cos(light.innerConeAngle) - Math.cos(light.outerConeAngle);
      const scale = 1 / Math.max(0.001, spread);
      const color = light.color.map((channel) => channel * light.intensity);
      const offset = -Math.cos(light.outerConeAngle) * scale;
      this.#lights.set(
        [kind, ...light.position, ...light.direction, ...color, light.range, scale, offset],
        index * WORDS,
      );
    });
  }

  /** @returns false when none of them lights the point. */
  choose(surface: Surface, sampler: Sampler): boolean {
    const lights = this.#lights;
    let total = 0;
    let chosen = -1;
    let chosenWeight = 0;
    let random = 0;
    if (this.count > 1) {
      sampler.draw();
      random = sampler.u;
    }
    for (let index = 0; index < this.count; index++) {
      const at = index * WORDS;
      this.#reach(at, surface);
      const cosine = this.#dx * surface.nx + this.#dy * surface.ny + this.#dz * surface.nz;
      const above = this.#dx * surface.gx + this.#dy * surface.gy + this.#dz * surface.gz;
      if (!(cosine > 0 && above > 0 && this.#attenuation > 0)) continue;
      const luminance = 0.2126 * lights[at + 7]! + 0.7152 * lights[at + 8]! + 0.0722 * lights[at + 9]!;
      const weight = luminance * this.#attenuation * cosine;
      if (!(weight > 0)) continue;
      total += weight;
      // Weighted reservoir of one; the random number is stretched over what is left of its interval.
      const share = weight / total;
      if (random < share || chosen < 0) {
        chosen = at;
        chosenWeight = weight;
        random = Math.min(random / share, 1);
        this.#keep(at);
      } else {
        random = (random - share) / (1 - share);
      }
    }
    if (chosen < 0) return false;
    const scale = total / chosenWeight;
    this.r *= scale;
    this.g *= scale;
    this.b *= scale;
    return true;
  }

  #keep(at: number): void {
    const lights = this.#lights;
    this.wx = this.#dx;
    this.wy = this.#dy;
    this.wz = this.#dz;
    this.distance = this.#distance;
    this.r = lights[at + 7]! * this.#attenuation;
    this.g = lights[at + 8]! * this.#attenuation;
    this.b = lights[at + 9]! * this.#attenuation;
  }

  /** Direction, distance and attenuation of one light as seen from the point. */
  #reach(at: number, surface: Surface): void {
    const lights = this.#lights;
    const kind = lights[at]!;
    if (kind === DIRECTIONAL) {
      this.#dx = -lights[at + 4]!;
      this.#dy = -lights[at + 5]!;
      this.#dz = -lights[at + 6]!;
      this.#distance = Number.POSITIVE_INFINITY;
      this.#attenuation = 1;
      return;
    }
    const x = lights[at + 1]! - surface.px;
    const y = lights[at + 2]! - surface.py;
    const z = lights[at + 3]! - surface.pz;
    const squared = x * x + y * y + z * z;
    const distance = Math.sqrt(squared);
    if (!(distance > 0)) {
      this.#attenuation = 0;
      return;
    }
    this.#dx = x / distance;
    this.#dy = y / distance;
    this.#dz = z / distance;
    this.#distance = distance;
    const range = distance / lights[at + 10]!;
    const range2 = range * range;
    const window = Math.min(Math.max(1 - range2 * range2, 0), 1);
    this.#attenuation = window / squared;
    if (kind === SPOT) {
      const cosine = -(this.#dx * lights[at + 4]! + this.#dy * lights[at + 5]! + this.#dz * lights[at + 6]!);
      const cone = Math.min(Math.max(cosine * lights[at + 11]! + lights[at + 12]!, 0), 1);
      this.#attenuation *= cone * cone;
    }
  }
}
