/**
 * glTF's metal-rough material written down a second time, as plainly as its formulas, for comparison with the renderer:
 * what the coat reflects in all is integrated here over the hemisphere, where the renderer reads a table and samples.
 * Sources: glTF 2.0, appendix B (D, V, F, mixing of the layers); Turquin, "Practical multiple scattering compensation
 * for microfacet models" (2019), for 1 + F0 (1 − E) ÷ E.
 */

export interface Reflector {
  /** base colour of one channel */
  readonly color: number;
  readonly metallic: number;
  /** at least 0.3, so that the integral's fixed steps resolve the lobe */
  readonly roughness: number;
}

/** Cosines of the angles to the normal, and the azimuth between the two directions, radians. */
export interface Directions {
  readonly cosI: number;
  readonly cosO: number;
  readonly azimuth?: number;
}

const DIELECTRIC_F0 = 0.04;
const POLAR_STEPS = 200;
const AZIMUTH_STEPS = 100;

/** Single-scattering GGX: D × V and the cosine between half vector and viewer. Appendix B.3.2. */
function ggx(roughness: number, { cosI, cosO, azimuth = 0 }: Directions): { dv: number; cosD: number } {
  const alpha2 = roughness ** 4;
  const sinI = Math.sqrt(1 - cosI * cosI);
  const sinO = Math.sqrt(1 - cosO * cosO);
  const cosBetween = cosI * cosO + sinI * sinO * Math.cos(azimuth);
  const cosD = Math.sqrt((1 + cosBetween) / 2);
  const cosH = Math.min((cosI + cosO) / (2 * cosD), 1);
  const d = alpha2 / (Math.PI * (cosH * cosH * (alpha2 - 1) + 1) ** 2);
  const root = (cosine: number) => Math.sqrt(alpha2 + (1 - alpha2) * cosine * cosine);
  return { dv: (d * 0.5) / (cosI * root(cosO) + cosO * root(cosI)), cosD };
}

const schlick = (f0: number, cosD: number) => f0 + (1 - f0) * (1 - cosD) ** 5;

/** ∫ D V F cos θ over the hemisphere: what one scattering reflects of light from everywhere. */
function singleScatteringAlbedo(roughness: number, f0: number, cosO: number): number {
  let sum = 0;
  for (let i = 0; i < POLAR_STEPS; i++) {
    // Even steps of cos² θ make cos θ × solid angle constant.
    const cosI = Math.sqrt((i + 0.5) / POLAR_STEPS);
    for (let j = 0; j < AZIMUTH_STEPS; j++) {
      const { dv, cosD } = ggx(roughness, { cosI, cosO, azimuth: (Math.PI * (j + 0.5)) / AZIMUTH_STEPS });
      sum += dv * schlick(f0, cosD);
    }
  }
  return (sum * Math.PI) / (POLAR_STEPS * AZIMUTH_STEPS);
}

/** Share of the light from everywhere that a dielectric's coat sends to the viewer. */
export function coatAlbedo(roughness: number, cosO: number): number {
  return compensated(roughness, cosO, DIELECTRIC_F0) * singleScatteringAlbedo(roughness, DIELECTRIC_F0, cosO);
}

function compensated(roughness: number, cosO: number, f0: number): number {
  const whole = singleScatteringAlbedo(roughness, 1, cosO);
  return 1 + (f0 * (1 - whole)) / whole;
}

/** @returns a function from directions to the BRDF, 1/sr; what depends on the viewer alone is integrated once. */
export function metalRoughBrdf(
  { color, metallic, roughness }: Reflector,
  cosO: number,
): (light: Omit<Directions, 'cosO'>) => number {
  const coatScale = compensated(roughness, cosO, DIELECTRIC_F0);
  const base = (1 - coatAlbedo(roughness, cosO)) * (color / Math.PI);
  const metalScale = compensated(roughness, cosO, color);
  return (light) => {
    const { dv, cosD } = ggx(roughness, { ...light, cosO });
    const dielectric = coatScale * dv * schlick(DIELECTRIC_F0, cosD) + base;
    return metallic * metalScale * dv * schlick(color, cosD) + (1 - metallic) * dielectric;
  };
}
