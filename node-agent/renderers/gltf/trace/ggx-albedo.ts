/**
 * How much light a GGX surface reflects in one scattering event, as a table: the rest is what its microfacets scatter
 * again, which `Bsdf` adds so that no energy is lost. Made by fixed quadrature, hence the same on every node.
 */
import { sharedFloat32 } from './shared-arrays.js';

/** Entries per axis. x: sqrt(cos θ) (finer towards grazing), y: roughness. */
export const GGX_TABLE_SIZE = 32;
/** Narrower lobes than this behave as a mirror at any film resolution, and stay far from division by zero. */
export const GGX_ALPHA_MIN = 1e-3;
/** Visible normals per entry, around and along. Measured against 100 times as many: within 0.1 %. */
const SAMPLES_AROUND = 20;
const SAMPLES_ALONG = 48;

export const alphaOfRoughness = (roughness: number): number => Math.max(roughness * roughness, GGX_ALPHA_MIN);

let table: Float32Array | undefined;

/**
 * 2 numbers per entry, so that the albedo under Schlick's Fresnel is `F0 × first + (1 − F0) × second`: the mean of
 * G2/G1 and of G2/G1 × (1 − cos θd)⁵ over visible normals. Shape [roughness, sqrt(cos θ), 2]. Cost: about 60 ms, once.
 * Source: Karis, "Real Shading in Unreal Engine 4" (2013) for the split; Heitz, "Sampling the GGX distribution of visible
 * normals" (JCGT 2018) for the estimator.
 */
export function ggxAlbedoTable(): Float32Array {
  table ??= integrate();
  return table;
}

function integrate(): Float32Array {
  const entries = sharedFloat32(GGX_TABLE_SIZE * GGX_TABLE_SIZE * 2);
  for (let row = 0; row < GGX_TABLE_SIZE; row++) {
    const alpha = alphaOfRoughness(row / (GGX_TABLE_SIZE - 1));
    for (let column = 0; column < GGX_TABLE_SIZE; column++) {
      const root = Math.max(column / (GGX_TABLE_SIZE - 1), 0.01);
      integrateEntry(alpha, root * root, entries, (row * GGX_TABLE_SIZE + column) * 2);
    }
  }
  return entries;
}

/** Mean over visible normals, chosen as in `Bsdf` on a grid. */
function integrateEntry(alpha: number, cosine: number, entries: Float32Array, at: number): void {
  const alpha2 = alpha * alpha;
  const sine = Math.sqrt(1 - cosine * cosine);
  const norm = Math.sqrt(alpha2 * sine * sine + cosine * cosine);
  const vx = (alpha * sine) / norm;
  const vz = cosine / norm;
  const lambdaRootO = Math.sqrt(alpha2 + (1 - alpha2) * cosine * cosine);
  let scale = 0;
  let bias = 0;
  for (let j = 0; j < SAMPLES_ALONG; j++) {
    // Denser, and weighing less, towards the lobe's long tail: the light that shadowing takes is all there. Evenly
    // spread, a metal of roughness 0.3 was taken to keep 0.8 % that it has to scatter again.
    const left = 1 - (j + 0.5) / SAMPLES_ALONG;
    const z = left * left * (1 + vz) - vz;
    for (let i = 0; i < SAMPLES_AROUND; i++) {
      // Half the circle is enough: the other half mirrors it.
      const phi = (Math.PI * (i + 0.5)) / SAMPLES_AROUND;
      const ring = Math.sqrt(Math.max(0, 1 - z * z));
      const hx = alpha * (ring * Math.cos(phi) + vx);
      const hy = alpha * ring * Math.sin(phi);
      const hz = z + vz;
      const length = Math.sqrt(hx * hx + hy * hy + hz * hz);
      if (!(length > 0)) continue;
      const voh = (sine * hx + cosine * hz) / length;
      const wz = (2 * voh * hz) / length - cosine;
      if (wz <= 0 || voh <= 0) continue;
      const lambdaRootI = Math.sqrt(alpha2 + (1 - alpha2) * wz * wz);
      // G2/G1 of height-correlated Smith: 2 cosi coso / (…) over 2 coso / (coso + root).
      const ratio = (wz * (cosine + lambdaRootO)) / (wz * lambdaRootO + cosine * lambdaRootI);
      scale += ratio * left;
      bias += ratio * left * (1 - voh) ** 5;
    }
  }
  const weight = 2 / (SAMPLES_AROUND * SAMPLES_ALONG);
  entries[at] = scale * weight;
  entries[at + 1] = bias * weight;
}
