/** How much light passes along a shadow ray: nothing through opaque surfaces, 1 − alpha through each see-through one. */
import type { Intersector } from './intersector.js';
import type { Surface } from './surface.js';

/** Layers of see-through surface after which light is taken as blocked: a bound, not a look. */
export const SEE_THROUGH_LAYERS_MAX = 256;

export class Visibility {
  readonly #intersector: Intersector;
  readonly #hasSeeThrough: boolean;
  readonly #cover: Surface;
  readonly #rayOffset: number;

  constructor(intersector: Intersector, hasSeeThrough: boolean, cover: Surface, rayOffset: number) {
    this.#intersector = intersector;
    this.#hasSeeThrough = hasSeeThrough;
    this.#cover = cover;
    this.#rayOffset = rayOffset;
  }

  /** Of the intersector's ray, in [0, 1]. Sides do not matter: a surface shades from behind as well. */
  transmittance(): number {
    const intersector = this.#intersector;
    if (intersector.isOccluded()) return 0;
    if (!this.#hasSeeThrough) return 1;
    let passed = 1;
    for (let layer = 0; layer < SEE_THROUGH_LAYERS_MAX; layer++) {
      if (!intersector.closest()) return passed;
      this.#cover.locate(intersector.hit);
      passed *= 1 - this.#cover.alpha;
      if (passed <= 0) return 0;
      intersector.ray.tMin = intersector.hit.t + this.#rayOffset;
    }
    return 0;
  }
}
