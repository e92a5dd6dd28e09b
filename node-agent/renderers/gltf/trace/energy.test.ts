import { expect, test } from 'vitest';
import { cameraInFront, describe, meanOf, quad, render, sphere, WHITE } from './test-scene.js';

const METALLIC = [0, 0.5, 1];
const ROUGHNESS = [0, 0.1, 0.3, 0.5, 0.7, 1];
/** One geometry for all, so that its BVH is built once. */
const ball = describe({
  shapes: [sphere([0, 0, 0], 1)],
  camera: cameraInFront(6, 0.3),
  environment: { kind: 'white' },
});

test.each(METALLIC)(
  'a white sphere of metallic %d disappears in a white furnace at any roughness',
  (metallic) => {
    for (const roughness of ROUGHNESS) {
      const scene = { ...ball, materials: [{ ...WHITE, metallic, roughness }] };
      const [beauty] = render(scene, { widthPx: 24, heightPx: 24, samples: 36 });
      expect(Math.abs(meanOf(beauty!) - 1), `roughness ${roughness}`).toBeLessThan(0.006);
    }
  },
);

test.each(METALLIC)('a white plane of metallic %d seen at a grazing angle loses no energy', (metallic) => {
  for (const roughness of [0.1, 0.4, 0.8]) {
    const [beauty] = render(
      describe({
        shapes: [quad([0, -1, 0], [100, 0, 0], [0, 0, -100], { metallic, roughness })],
        camera: cameraInFront(5, 0.3),
        environment: { kind: 'white' },
      }),
      { widthPx: 16, heightPx: 16, samples: 256 },
    );
    expect(Math.abs(meanOf(beauty!) - 1), `roughness ${roughness}`).toBeLessThan(0.01);
  }
});

test('light inside a closed grey room comes to its closed form: emission e and albedo a give radiance e/(1 − a)', () => {
  const grey = { baseColor: [0.5, 0.5, 0.5, 1], emissive: [1, 1, 1], doubleSided: true } as const;
  const scene = describe({ shapes: [sphere([0, 0, 0], 1, grey)], camera: cameraInFront(0, 0.8) });
  const [beauty] = render(scene, { widthPx: 8, heightPx: 8, samples: 256 });
  // The albedo is the coat's (1 to 4 % at roughness 1) plus half of what the coat lets through.
  expect(meanOf(beauty!)).toBeGreaterThan(1 / (1 - 0.505));
  expect(meanOf(beauty!)).toBeLessThan(1 / (1 - 0.52));
});

test('a white picture all around is a furnace too: directions from light and material weigh 1 together', () => {
  const data = new Float32Array(16 * 8 * 3).fill(1);
  for (const roughness of [0.05, 0.4, 1]) {
    const scene = {
      ...ball,
      environment: { kind: 'image', widthPx: 16, heightPx: 8, data } as const,
      materials: [{ ...WHITE, metallic: 0.5, roughness }],
    };
    const [beauty] = render(scene, { widthPx: 16, heightPx: 16, samples: 256 });
    expect(Math.abs(meanOf(beauty!) - 1), `roughness ${roughness}`).toBeLessThan(0.01);
  }
});
