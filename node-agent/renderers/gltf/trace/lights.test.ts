import { expect, describe as suite, test } from 'vitest';
import type { SceneLight } from '../scene-description.js';
import { alphaOfRoughness, GGX_TABLE_SIZE, ggxAlbedoTable } from './ggx-albedo.js';
import { cameraAbove, describe, meanOf, quad, render } from './test-scene.js';

const FLOOR_ALBEDO = 0.6;
const floor = (size = 10) =>
  quad([0, 0, 0], [size, 0, 0], [0, 0, -size], { baseColor: [FLOOR_ALBEDO, FLOOR_ALBEDO, FLOOR_ALBEDO, 1] });

/** Radiance of the floor seen from above, at the middle of a 1 × 1 m window. */
function floorRadiance(light: Partial<SceneLight>, halfExtent = 0.001): number {
  const scene = describe({ shapes: [floor()], camera: cameraAbove(5, halfExtent), lights: [light] });
  return meanOf(render(scene, { widthPx: 2, heightPx: 2, samples: 4 })[0]!);
}

/** BRDF of the floor for light and viewer both along its normal: diffuse base under the coat, plus the coat itself. */
function facingBrdf(): number {
  const last = (GGX_TABLE_SIZE * GGX_TABLE_SIZE - 1) * 2;
  const scale = ggxAlbedoTable()[last]!;
  const bias = ggxAlbedoTable()[last + 1]!;
  const again = 1 + (0.04 * (1 - scale)) / scale;
  const coat = (0.04 * again) / (4 * Math.PI * alphaOfRoughness(1) ** 2);
  return (FLOOR_ALBEDO * (1 - again * (0.04 * scale + 0.96 * bias))) / Math.PI + coat;
}

suite('radiometry', () => {
  test('E lux on a facing plane give E × BRDF, within 4 % of the lambertian aE/π', () => {
    const radiance = floorRadiance({ kind: 'directional', intensity: 1000 });
    expect(radiance / (1000 * facingBrdf())).toBeCloseTo(1, 4);
    expect(Math.abs(radiance / ((FLOOR_ALBEDO * 1000) / Math.PI) - 1)).toBeLessThan(0.04);
  });

  test.each([0.5, 1, 2, 4])('I candela at %d m give I/d² lux', (distance) => {
    const radiance = floorRadiance({ kind: 'point', intensity: 100, position: [0, distance, 0] });
    expect(radiance / ((100 / distance ** 2) * facingBrdf())).toBeCloseTo(1, 4);
  });

  test('range fades a point light by the window of KHR_lights_punctual, and ends it', () => {
    const at = (range: number) =>
      floorRadiance({ kind: 'point', intensity: 100, position: [0, 2, 0], range });
    expect(at(4) / at(Number.POSITIVE_INFINITY)).toBeCloseTo(1 - 0.5 ** 4, 5);
    expect(at(1.9)).toBe(0);
  });

  test('a spot fades between its cones by the square of the recommended ramp', () => {
    const inner = 0.2;
    const outer = 0.5;
    for (const angle of [0, 0.15, 0.3, 0.4, 0.55]) {
      const spot = (axisTilt: number, kind: 'spot' | 'point') =>
        floorRadiance({
          kind,
          intensity: 10,
          position: [0, 2, 0],
          direction: [Math.sin(axisTilt), -Math.cos(axisTilt), 0],
          innerConeAngle: inner,
          outerConeAngle: outer,
        });
      const ramp = (Math.cos(angle) - Math.cos(outer)) / (Math.cos(inner) - Math.cos(outer));
      const expected = Math.min(Math.max(ramp, 0), 1) ** 2;
      expect(spot(angle, 'spot') / spot(angle, 'point')).toBeCloseTo(expected, 3);
    }
  });

  test('with many lights each gives its share although one is sampled at a time', () => {
    const lights = [1, 2, 3, 4].map((x) => ({
      kind: 'point' as const,
      intensity: x * 10,
      position: [x, 2, 0] as const,
    }));
    const shapes = [floor()];
    const camera = cameraAbove(5, 1);
    const size = { widthPx: 8, heightPx: 8, samples: 64 };
    const together = meanOf(render(describe({ shapes, camera, lights }), size)[0]!);
    const apart = lights.map((light) =>
      meanOf(render(describe({ shapes, camera, lights: [light] }), size)[0]!),
    );
    expect(together / apart.reduce((a, b) => a + b)).toBeCloseTo(1, 2);
  });

  test('a light below the horizon or behind an opaque sheet gives nothing, half a sheet gives half', () => {
    expect(floorRadiance({ kind: 'directional', direction: [0, 1, 0] })).toBe(0);
    const behind = (alpha: number) => {
      const sheet = quad([0, 1, 0], [10, 0, 0], [0, 0, 10], {
        alphaMode: 'blend',
        baseColor: [0, 0, 0, alpha],
        // Faces down and is single-sided: the camera does not see it, the light does.
      });
      const camera = cameraAbove(5, 0.001);
      const scene = describe({ shapes: [floor(), sheet], camera, lights: [{ kind: 'directional' }] });
      return meanOf(render(scene, { widthPx: 1, heightPx: 1, samples: 1 })[0]!);
    };
    expect(behind(1)).toBe(0);
    expect(behind(0.5) / behind(0)).toBeCloseTo(0.5, 6);
  });
});

suite('area light', () => {
  /** Irradiance under the middle of a parallel square of half side s at distance d, radiance 1 (form factor, Howell C-11). */
  function irradianceUnder(s: number, d: number): number {
    const a = s / d;
    const root = Math.sqrt(1 + a * a);
    return 4 * (a / root) * Math.atan(a / root);
  }

  const lampScene = (radiance: number) =>
    describe({
      shapes: [
        floor(),
        quad([0, 2, 0], [1, 0, 0], [0, 0, 1], {
          baseColor: [0, 0, 0, 1],
          emissive: [radiance, radiance, radiance],
        }),
      ],
      camera: cameraAbove(1.5, 0.01),
    });

  test('an emissive square lights the floor as its form factor says', () => {
    const [beauty] = render(lampScene(7), { widthPx: 8, heightPx: 8, samples: 64 });
    const lambert = (FLOOR_ALBEDO / Math.PI) * 7 * irradianceUnder(1, 2);
    expect(meanOf(beauty!) / lambert).toBeGreaterThan(0.96);
    expect(meanOf(beauty!) / lambert).toBeLessThan(1.02);
  });

  test('sampling lights and finding them by chance agree', () => {
    const sampled = render(lampScene(1), { widthPx: 8, heightPx: 8, samples: 256 })[0]!;
    const found = render(lampScene(1), {
      widthPx: 8,
      heightPx: 8,
      samples: 1024,
      tracer: { sampleLights: false },
    })[0]!;
    expect(meanOf(sampled) / meanOf(found)).toBeCloseTo(1, 1.7);
  });

  test('a single-sided lamp is dark from behind, and the camera looks through its back', () => {
    const scene = describe({
      shapes: [quad([0, 2, 0], [1, 0, 0], [0, 0, 1], { emissive: [5, 5, 5] })],
      camera: cameraAbove(5, 0.5),
    });
    const [beauty] = render(scene, { widthPx: 2, heightPx: 2, samples: 2 });
    expect([...beauty!]).toEqual(new Array(16).fill(0));
  });
});
