import { expect, test } from 'vitest';
import type { SceneImage, SceneTexture } from '../scene-description.js';
import { SRGB_TO_LINEAR, TextureSampler } from './texture.js';

/** Red ramps 0, 85, 170, 255 to the right; green is 0 above, 255 below. */
const image: SceneImage = {
  widthPx: 4,
  heightPx: 2,
  data: Uint8Array.from(
    { length: 32 },
    (_, byte) => [((byte >> 2) % 4) * 85, byte < 16 ? 0 : 255, 0, 255][byte % 4]!,
  ),
};
const plain: SceneTexture = {
  image: 0,
  texCoord: 0,
  transform: [1, 0, 0, 0, 1, 0],
  wrapS: 'repeat',
  wrapT: 'repeat',
  filter: 'nearest',
};
function sample(
  texture: Partial<SceneTexture>,
  u: number,
  v: number,
  encoding: 'srgb' | 'linear' = 'linear',
) {
  const sampler = new TextureSampler({ ...plain, ...texture }, image, encoding);
  sampler.sample({ u0: u, v0: v, u1: 0, v1: 0 });
  return [sampler.r, sampler.g, sampler.b, sampler.a];
}

test.each([
  ['repeat', -0.1, 1],
  ['repeat', 1.1, 0],
  ['repeat', 5.3, 1 / 3],
  ['clamp', -0.1, 0],
  ['clamp', 1.1, 1],
  ['mirror', -0.1, 0],
  ['mirror', 1.1, 1],
  ['mirror', 1.9, 0],
  ['mirror', 2.1, 0],
] as const)('%s at u = %d finds red %d', (wrapS, u, red) => {
  expect(sample({ wrapS }, u, 0.25)[0]).toBeCloseTo(red, 6);
});

test('v grows downwards from the top row', () => {
  expect(sample({}, 0.1, 0.25)[1]).toBe(0);
  expect(sample({}, 0.1, 0.75)[1]).toBe(1);
});

test('linear filtering blends in linear light, and wraps where it repeats', () => {
  const linear = { filter: 'linear' } as const;
  expect(sample(linear, 0.5, 0.25)[0]).toBeCloseTo(0.5, 6);
  expect(sample(linear, 0, 0.25)[0]).toBeCloseTo(0.5, 6);
  expect(sample({ ...linear, wrapS: 'clamp' }, 0, 0.25)[0]).toBe(0);
  expect(sample(linear, 0.5, 0.25, 'srgb')[0]).toBeCloseTo(
    (SRGB_TO_LINEAR[85]! + SRGB_TO_LINEAR[170]!) / 2,
    9,
  );
});

test('a texture transform moves the lookup, and coordinates that are no numbers stay inside', () => {
  expect(sample({ transform: [1, 0, 0.5, 0, 1, 0] }, 0.1, 0.25)[0]).toBeCloseTo(2 / 3, 6);
  expect(sample({ filter: 'linear' }, Number.NaN, Number.POSITIVE_INFINITY).every(Number.isFinite)).toBe(
    true,
  );
});
