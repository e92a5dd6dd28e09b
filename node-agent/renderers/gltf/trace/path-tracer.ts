/**
 * The integrator: unidirectional path tracing with next-event estimation of every kind of light, combined with the
 * BRDF's own directions by multiple importance sampling (power heuristic). Everything it touches per path was made in
 * the constructor; a path allocates nothing.
 *
 * Sides: glTF culls back faces of single-sided surfaces, so camera rays pass through them. All other rays are stopped
 * by both sides, and a back face is shaded like a front: light does not leak into a room whose walls face inwards.
 * Single-sided surfaces emit from their front alone.
 * Each kind of light gets a shadow ray at every surface: choosing one kind at random past the first surface was measured
 * no better for the same time, and neither was ending paths sooner.
 * No radiance is clamped. What would be fireflies (a sharp reflection seen by a rough one) is blurred instead: narrow
 * lobes widen after a wide bounce, which moves light a little but keeps its amount.
 * Source: Veach, "Robust Monte Carlo Methods for Light Transport Simulation" (1997), chapters 8 and 9; Kaplanyan &
 * Dachsbacher, "Path Space Regularization for Holistic and Robust Light Transport" (2013) for the widening.
 */
import { Bsdf } from './bsdf.js';
import type { Camera } from './camera.js';
import { EmitterSampler } from './emitters.js';
import { Environment } from './environment.js';
import { faceViewer } from './face-viewer.js';
import { type Intersector, TypeScriptIntersector } from './intersector.js';
import { PunctualLights } from './punctual-lights.js';
import { Sampler } from './sampler.js';
import { Surface } from './surface.js';
import { TraceMaterial } from './trace-material.js';
import type { TraceScene } from './trace-scene.js';
import { SEE_THROUGH_LAYERS_MAX, Visibility } from './visibility.js';

/** Surfaces a path visits: enough for interiors, where the 9th bounce carries a few per cent of the light at most. */
export const BOUNCES_MAX = 8;
/** From this bounce on, paths that carry little light are ended at random (their survivors count for them). */
const ROULETTE_FROM_BOUNCE = 3;
const ROULETTE_SURVIVAL_MAX = 0.95;
/** After a wide bounce lobes are at least this fraction of its width (GGX alpha). */
const WIDENING = 0.25;

export interface PathTracerOptions {
  /** `false` finds light by the BRDF's directions alone: a slow cross-check for tests. */
  readonly sampleLights?: boolean;
}

export class PathTracer {
  readonly sampler = new Sampler();
  /** The last path: radiance that arrives at the film, and coverage. */
  r = 0.5;
  g = 0.5;
  b = 0.5;
  alpha = 0.5;
  /** Its first surface, for AOVs; `depth` is 0 where there is none. */
  albedoR = 0.5;
  albedoG = 0.5;
  albedoB = 0.5;
  normalX = 0.5;
  normalY = 0.5;
  normalZ = 0.5;
  depth = 0.5;
  /** Rays traced so far, for measurements. */
  rayCount = 0;

  readonly #intersector: Intersector;
  readonly #surface: Surface;
  readonly #bsdf: Bsdf;
  readonly #environment: Environment;
  readonly #emitters: EmitterSampler;
  readonly #punctual: PunctualLights;
  readonly #visibility: Visibility;
  readonly #rayOffset: number;
  readonly #samplesLights: boolean;
  readonly #hasEmission: boolean;
  // Throughput of the path so far, and the density of its last direction.
  #tr = 0.5;
  #tg = 0.5;
  #tb = 0.5;
  #pdf = 0.5;

  constructor(scene: TraceScene, options: PathTracerOptions = {}) {
    const materials = scene.materials.map((material) => new TraceMaterial(material, scene.images));
    this.#intersector = new TypeScriptIntersector(scene.bvh, scene.seeThrough);
    this.#surface = new Surface(scene.geometry, materials);
    // Shadow rays and light samples must not disturb the surface being shaded.
    const other = new Surface(scene.geometry, materials);
    this.#bsdf = new Bsdf(scene.ggxAlbedo);
    this.#environment = new Environment(scene.environment);
    this.#emitters = new EmitterSampler(scene.emitters, other);
    this.#punctual = new PunctualLights(scene.lights);
    this.#visibility = new Visibility(this.#intersector, scene.hasSeeThrough, other, scene.rayOffset);
    this.#rayOffset = scene.rayOffset;
    this.#samplesLights = options.sampleLights ?? true;
    this.#hasEmission = materials.some((material) => material.isEmissive);
  }

  /** Traces one path through the film position that the sampler's next pair chooses within the pixel. */
  trace(camera: Camera, x: number, y: number): void {
    this.#startPath(camera, x, y);
    const surface = this.#surface;
    let widest = 0;
    for (let bounce = 0; ; bounce++) {
      if (!this.#nextSurface(bounce === 0)) {
        this.#addEnvironmentSeen(bounce === 0);
        return;
      }
      if (this.#hasEmission) this.#addEmissionSeen(bounce === 0);
      surface.loadShading();
      faceViewer(surface, this.#intersector.ray);
      if (bounce === 0) this.#recordFirst(camera);
      if (surface.material.isUnlit) {
        this.r += this.#tr * surface.r;
        this.g += this.#tg * surface.g;
        this.b += this.#tb * surface.b;
        return;
      }
      if (bounce >= BOUNCES_MAX) return;
      this.#bsdf.setUp(surface, this.#intersector.ray, widest * WIDENING);
      if (this.#samplesLights) {
        if (this.#environment.canSample) this.#addEnvironmentLight();
        if (!this.#emitters.isEmpty) this.#addEmitterLight();
      }
      if (this.#punctual.count > 0) this.#addPunctualLight();
      if (!this.#bounce()) return;
      if (this.#bsdf.sampledAlpha > widest) widest = this.#bsdf.sampledAlpha;
      if (bounce + 1 >= ROULETTE_FROM_BOUNCE && !this.#survives()) return;
    }
  }

  #startPath(camera: Camera, x: number, y: number): void {
    this.r = 0;
    this.g = 0;
    this.b = 0;
    this.alpha = 1;
    this.albedoR = 0;
    this.albedoG = 0;
    this.albedoB = 0;
    this.normalX = 0;
    this.normalY = 0;
    this.normalZ = 0;
    this.depth = 0;
    this.#tr = 1;
    this.#tg = 1;
    this.#tb = 1;
    this.#pdf = 0;
    this.sampler.draw();
    camera.castRay(x, y, this.sampler, this.#intersector.ray);
  }

  /** The next surface that is there for this path: alpha decides at random, and the camera sees no culled back face. */
  #nextSurface(isCameraRay: boolean): boolean {
    const intersector = this.#intersector;
    const ray = intersector.ray;
    const surface = this.#surface;
    for (let layer = 0; layer < SEE_THROUGH_LAYERS_MAX; layer++) {
      this.rayCount++;
      if (!intersector.closest()) return false;
      surface.locate(intersector.hit);
      let isThere = surface.alpha > 0;
      if (isCameraRay && isThere && !surface.material.isDoubleSided) {
        isThere = ray.dx * surface.gx + ray.dy * surface.gy + ray.dz * surface.gz < 0;
      }
      if (isThere && surface.alpha < 1) {
        this.sampler.draw();
        isThere = this.sampler.u < surface.alpha;
      }
      if (isThere) return true;
      ray.tMin = intersector.hit.t + this.#rayOffset;
    }
    return false;
  }

  #recordFirst(camera: Camera): void {
    const surface = this.#surface;
    this.albedoR = surface.r;
    this.albedoG = surface.g;
    this.albedoB = surface.b;
    this.normalX = surface.nx;
    this.normalY = surface.ny;
    this.normalZ = surface.nz;
    this.depth = camera.depthOf(surface);
  }

  #addEnvironmentSeen(isCameraRay: boolean): void {
    const environment = this.#environment;
    if (environment.isBlack) {
      if (isCameraRay) this.alpha = 0;
      return;
    }
    const ray = this.#intersector.ray;
    environment.wx = ray.dx;
    environment.wy = ray.dy;
    environment.wz = ray.dz;
    environment.lookUp();
    const weight = isCameraRay || !this.#samplesLights ? 1 : powerHeuristic(this.#pdf, environment.pdf);
    this.r += this.#tr * environment.r * weight;
    this.g += this.#tg * environment.g * weight;
    this.b += this.#tb * environment.b * weight;
  }

  #addEmissionSeen(isCameraRay: boolean): void {
    const surface = this.#surface;
    if (!surface.material.isEmissive) return;
    const ray = this.#intersector.ray;
    let cosine = -(ray.dx * surface.gx + ray.dy * surface.gy + ray.dz * surface.gz);
    if (cosine < 0) {
      if (!surface.material.isDoubleSided) return;
      cosine = -cosine;
    }
    surface.loadEmission();
    let weight = 1;
    if (!isCameraRay && this.#samplesLights) {
      weight = powerHeuristic(
        this.#pdf,
        this.#emitters.pdfOfHit(surface.triangle, this.#intersector.hit.t, cosine),
      );
    }
    this.r += this.#tr * surface.emittedR * weight;
    this.g += this.#tg * surface.emittedG * weight;
    this.b += this.#tb * surface.emittedB * weight;
  }

  #addEnvironmentLight(): void {
    const light = this.#environment;
    light.sample(this.sampler);
    if (!(light.pdf > 0) || !this.#evaluateTowards(light)) return;
    const weight = powerHeuristic(light.pdf, this.#bsdf.pdf) / light.pdf;
    this.#addThroughShadow(light, weight, Number.POSITIVE_INFINITY);
  }

  #addEmitterLight(): void {
    const light = this.#emitters;
    if (!light.sample(this.sampler, this.#surface) || !this.#evaluateTowards(light)) return;
    const weight = powerHeuristic(light.pdf, this.#bsdf.pdf) / light.pdf;
    this.#addThroughShadow(light, weight, light.distance * (1 - 1e-9) - 2 * this.#rayOffset);
  }

  #addPunctualLight(): void {
    const light = this.#punctual;
    if (!light.choose(this.#surface, this.sampler) || !this.#evaluateTowards(light)) return;
    this.#addThroughShadow(light, 1, light.distance);
  }

  /** @returns false when the surface sends nothing of that light to the viewer. */
  #evaluateTowards(light: Direction): boolean {
    const surface = this.#surface;
    if (light.wx * surface.gx + light.wy * surface.gy + light.wz * surface.gz <= 0) return false;
    const bsdf = this.#bsdf;
    bsdf.wx = light.wx;
    bsdf.wy = light.wy;
    bsdf.wz = light.wz;
    bsdf.evaluate();
    return bsdf.pdf > 0;
  }

  /** Uses the intersector's ray: the next direction is set only after all lights had their turn. */
  #addThroughShadow(light: Direction & Rgb, weight: number, distance: number): void {
    const bsdf = this.#bsdf;
    this.rayCount++;
    this.#leaveSurface(light);
    this.#intersector.ray.tMax = distance;
    const scale = weight * this.#visibility.transmittance();
    if (scale === 0) return;
    this.r += this.#tr * bsdf.r * light.r * scale;
    this.g += this.#tg * bsdf.g * light.g * scale;
    this.b += this.#tb * bsdf.b * light.b * scale;
  }

  /** Points the ray along a direction above the surface, from just off it. */
  #leaveSurface(direction: Direction): void {
    const ray = this.#intersector.ray;
    const surface = this.#surface;
    const offset = this.#rayOffset;
    ray.ox = surface.px + surface.gx * offset;
    ray.oy = surface.py + surface.gy * offset;
    ray.oz = surface.pz + surface.gz * offset;
    ray.dx = direction.wx;
    ray.dy = direction.wy;
    ray.dz = direction.wz;
    ray.tMin = 0;
    ray.tMax = Number.POSITIVE_INFINITY;
  }

  #bounce(): boolean {
    const bsdf = this.#bsdf;
    const surface = this.#surface;
    if (!bsdf.sample(this.sampler)) return false;
    if (bsdf.wx * surface.gx + bsdf.wy * surface.gy + bsdf.wz * surface.gz <= 0) return false;
    this.#tr *= bsdf.r;
    this.#tg *= bsdf.g;
    this.#tb *= bsdf.b;
    this.#pdf = bsdf.pdf;
    this.#leaveSurface(bsdf);
    return this.#tr + this.#tg + this.#tb > 0;
  }

  /**
   * Russian roulette by the root of the strongest channel. By the channel itself all survivors would carry full light
   * again, which makes bright dots where few paths find a bright place: behind a lamp hung close to a ceiling samples
   * above its own radiance were measured three times as often, for 1 to 4 % fewer rays.
   */
  #survives(): boolean {
    const strongest = Math.max(this.#tr, this.#tg, this.#tb);
    const chance = Math.min(Math.sqrt(strongest), ROULETTE_SURVIVAL_MAX);
    this.sampler.draw();
    if (this.sampler.u >= chance) return false;
    const scale = 1 / chance;
    this.#tr *= scale;
    this.#tg *= scale;
    this.#tb *= scale;
    return true;
  }
}

interface Direction {
  readonly wx: number;
  readonly wy: number;
  readonly wz: number;
}

interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

function powerHeuristic(own: number, other: number): number {
  // Written as a ratio, so that huge densities of narrow lobes cannot overflow.
  const ratio = other / own;
  return 1 / (1 + ratio * ratio);
}
