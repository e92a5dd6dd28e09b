import { expect, test } from 'vitest';
import type { SceneEnvironment } from '../scene-description.js';
import { buildEnvironment } from './build-environment.js';
import { Environment } from './environment.js';
import { Sampler } from './sampler.js';
import { cameraAbove, cameraInFront, describe, meanOf, quad, render } from './test-scene.js';

/** A dim picture with one very bright texel. */
function spotted(): SceneEnvironment {
  const data = new Float32Array(16 * 8 * 3).fill(0.1);
  data.fill(200, (2 * 16 + 5) * 3, (2 * 16 + 6) * 3);
  return { kind: 'image', widthPx: 16, heightPx: 8, data };
}

test.each([spotted(), { kind: 'sky' } as const])(
  'sampling an environment gives its mean radiance (%#)',
  (source) => {
    const environment = new Environment(buildEnvironment(source));
    const sampler = new Sampler();
    sampler.startPixel(3, 4, 0, 0);
    const count = 4096;
    let sampled = 0;
    let looked = 0;
    for (let index = 0; index < count; index++) {
      sampler.startSample(index);
      environment.sample(sampler);
      const { r, pdf } = environment;
      sampled += r / pdf / count;
      // Looking the chosen direction up again finds the same radiance and density.
      environment.lookUp();
      expect(environment.r).toBeCloseTo(r, 6);
      expect(Math.abs(environment.pdf / pdf - 1)).toBeLessThan(1e-6);
      sampler.draw();
      const y = 1 - 2 * sampler.u;
      const ring = Math.sqrt(1 - y * y);
      environment.wx = ring * Math.cos(2 * Math.PI * sampler.v);
      environment.wy = y;
      environment.wz = ring * Math.sin(2 * Math.PI * sampler.v);
      environment.lookUp();
      looked += (environment.r * 4 * Math.PI) / count;
    }
    expect(sampled / looked).toBeCloseTo(1, 1);
  },
);

test('the centre of an image is seen along −Z, its right half along +X, its top row overhead', () => {
  const data = new Float32Array(64 * 32 * 3);
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 64; x++) data.set([x / 64, y / 32, 0], (y * 64 + x) * 3);
  }
  const environment = new Environment(buildEnvironment({ kind: 'image', widthPx: 64, heightPx: 32, data }));
  const look = (wx: number, wy: number, wz: number) => {
    Object.assign(environment, { wx, wy, wz });
    environment.lookUp();
    return [environment.r, environment.g];
  };
  expect(look(0, 0, -1)[0]).toBeCloseTo(0.5, 1);
  expect(look(1, 0, 0)[0]).toBeCloseTo(0.75, 1);
  expect(look(-1, 0, 0)[0]).toBeCloseTo(0.25, 1);
  expect(look(0, 1, 0)[1]).toBeCloseTo(0, 1);
  expect(look(0, -1, 0)[1]).toBeCloseTo(1, 1);
});

test('a floor under a picture is as bright with light sampling as without', () => {
  const scene = describe({
    shapes: [quad([0, 0, 0], [1, 0, 0], [0, 0, -1], { baseColor: [0.5, 0.5, 0.5, 1] })],
    camera: cameraAbove(5, 0.5),
    environment: { kind: 'sky' },
  });
  const sampled = meanOf(render(scene, { widthPx: 8, heightPx: 8, samples: 128 })[0]!);
  const found = meanOf(
    render(scene, { widthPx: 8, heightPx: 8, samples: 2048, tracer: { sampleLights: false } })[0]!,
  );
  expect(sampled / found).toBeCloseTo(1, 1.7);
});

test('rays that miss see the environment with alpha 1, and nothing with alpha 0 where there is none', () => {
  const camera = cameraInFront(1, 1);
  const size = { widthPx: 2, heightPx: 1, samples: 2 };
  expect([...render(describe({ shapes: [], camera }), size)[0]!]).toEqual(new Array(8).fill(0));
  const white = describe({ shapes: [], camera, environment: { kind: 'white' } });
  expect([...render(white, size)[0]!]).toEqual(new Array(8).fill(1));
});
