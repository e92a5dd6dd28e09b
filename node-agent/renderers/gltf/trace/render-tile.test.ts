import { expect, test } from 'vitest';
import type { SceneImage } from '../scene-description.js';
import { buildTraceScene } from './build-trace-scene.js';
import { PathTracer } from './path-tracer.js';
import { DEPTH_OF_NOTHING, renderTile } from './render-tile.js';
import { cameraAbove, cameraInFront, describe, meanOf, quad, render, sphere } from './test-scene.js';

const texture = {
  image: 0,
  texCoord: 0,
  transform: [1, 0, 0, 0, 1, 0],
  wrapS: 'repeat',
  wrapT: 'repeat',
  filter: 'linear',
} as const;
const flatImage = (...rgba: number[]): SceneImage => ({
  widthPx: 1,
  heightPx: 1,
  data: Uint8Array.from(rgba),
});

test('a picture has the same bits whole and in tiles of any size, in any order', () => {
  const widthPx = 80;
  const heightPx = 60;
  const scene = describe({
    shapes: [
      quad([0, -1, 0], [5, 0, 0], [0, 0, -5], { baseColor: [0.7, 0.6, 0.5, 1] }),
      sphere([0, 0, 0], 1, { metallic: 1, roughness: 0.3 }, 16),
      quad([1, 1, 1], [0.4, 0, 0], [0, 0, 0.4], { emissive: [9, 8, 7] }),
      quad([-1, 0, 1], [0.4, 0, 0], [0, 0.4, 0], {
        alphaMode: 'blend',
        baseColor: [1, 0, 0, 0.5],
        doubleSided: true,
      }),
    ],
    camera: cameraInFront(5, 0.8),
    environment: { kind: 'sky' },
    lights: [{ kind: 'point', intensity: 5, position: [2, 2, 2] }],
  });
  const layers = ['beauty', 'albedo', 'normal', 'depth'] as const;
  const whole = render(scene, { widthPx, heightPx, samples: 3, layers });
  for (const [tileWidth, tileHeight] of [
    [16, 16],
    [37, 53],
  ] as const) {
    const stitched = whole.map((layer) => new Float32Array(layer.length));
    for (let y0 = Math.floor((heightPx - 1) / tileHeight) * tileHeight; y0 >= 0; y0 -= tileHeight) {
      for (let x0 = 0; x0 < widthPx; x0 += tileWidth) {
        const region = {
          x0,
          y0,
          x1: Math.min(x0 + tileWidth, widthPx),
          y1: Math.min(y0 + tileHeight, heightPx),
        };
        const tile = render(scene, { widthPx, heightPx, samples: 3, layers, region });
        tile.forEach((data, layer) => {
          const channels = whole[layer]!.length / (widthPx * heightPx);
          const row = (region.x1 - x0) * channels;
          for (let y = y0; y < region.y1; y++) {
            stitched[layer]!.set(
              data.subarray((y - y0) * row, (y - y0 + 1) * row),
              (y * widthPx + x0) * channels,
            );
          }
        });
      }
    }
    stitched.forEach((layer, index) => {
      expect(Buffer.from(layer.buffer).equals(Buffer.from(whole[index]!.buffer)), layers[index]).toBe(true);
    });
  }
});

test('an orthographic film shows the square that its half extents say, to the pixel', () => {
  const scene = describe({
    shapes: [quad([0, 0, 0], [1, 0, 0], [0, 0, -0.5], { unlit: true })],
    camera: cameraAbove(5, 2),
  });
  const [beauty] = render(scene, { widthPx: 16, heightPx: 16, samples: 2 });
  for (let y = 0; y < 16; y++) {
    for (let x = 0; x < 16; x++) {
      const inside = x >= 4 && x < 12 && y >= 6 && y < 10;
      expect(beauty![(y * 16 + x) * 4 + 3], `${x},${y}`).toBe(inside ? 1 : 0);
    }
  }
});

test('an unlit surface shows its base colour, and half alpha is premultiplied', () => {
  const scene = describe({
    shapes: [
      quad([0, 0, 0], [1, 0, 0], [0, 0, -1], {
        unlit: true,
        alphaMode: 'blend',
        baseColor: [0.8, 0.4, 0.2, 0.5],
      }),
    ],
    camera: cameraAbove(5, 0.5),
  });
  const [beauty] = render(scene, { widthPx: 4, heightPx: 4, samples: 256 });
  const alpha = meanOf(beauty!, 3);
  expect(alpha).toBeCloseTo(0.5, 1.8);
  expect(meanOf(beauty!, 0) / alpha).toBeCloseTo(0.8, 5);
  expect(meanOf(beauty!, 2) / alpha).toBeCloseTo(0.2, 5);
});

test('a mask cuts at its cutoff, by the texture alpha', () => {
  const at = (alpha: number) =>
    meanOf(
      render(
        describe({
          shapes: [
            quad([0, 0, 0], [1, 0, 0], [0, 0, -1], {
              alphaMode: 'mask',
              alphaCutoff: 0.5,
              baseColorTexture: texture,
            }),
          ],
          camera: cameraAbove(5, 0.5),
          images: [flatImage(255, 255, 255, alpha)],
        }),
        { widthPx: 2, heightPx: 2, samples: 2 },
      )[0]!,
      3,
    );
  expect(at(127)).toBe(0);
  expect(at(128)).toBe(1);
});

test('colour textures are decoded from sRGB', () => {
  const scene = describe({
    shapes: [quad([0, 0, 0], [1, 0, 0], [0, 0, -1], { unlit: true, baseColorTexture: texture })],
    camera: cameraAbove(5, 0.5),
    images: [flatImage(188, 0, 255, 255)],
  });
  const [beauty] = render(scene, { widthPx: 1, heightPx: 1, samples: 1 });
  expect(beauty![0]).toBeCloseTo(0.5029, 3);
  expect([...beauty!.subarray(1)]).toEqual([0, 1, 1]);
});

test("a normal map tilts towards +u by red and towards the tangent frame's bitangent by green", () => {
  const normalOf = (r: number, g: number) => {
    const scene = describe({
      shapes: [quad([0, 0, 0], [1, 0, 0], [0, 0, -1], { normalTexture: texture })],
      camera: cameraAbove(5, 0.5),
      images: [flatImage(r, g, 218, 255)],
    });
    return render(scene, { widthPx: 1, heightPx: 1, samples: 1, layers: ['normal'] })[0]!;
  };
  // Tangent +X, normal +Y: bitangent = normal × tangent = −Z.
  expect(normalOf(218, 128)[0]).toBeGreaterThan(0.6);
  expect(normalOf(128, 218)[2]).toBeLessThan(-0.6);
  expect(normalOf(128, 128)[1]).toBeGreaterThan(0.99);
});

test('depth is the distance along the view axis, and far where nothing is seen', () => {
  const scene = describe({
    shapes: [quad([0, 0, 0], [0.5, 0, 0], [0, 0.5, 0])],
    camera: cameraInFront(3, Math.PI / 2),
  });
  const [depth] = render(scene, { widthPx: 9, heightPx: 9, samples: 4, layers: ['depth'] });
  expect(depth![4 * 9 + 4]).toBeCloseTo(3, 6);
  expect(depth![3 * 9 + 4]).toBeCloseTo(3, 6);
  expect(depth![0]).toBe(Math.fround(DEPTH_OF_NOTHING));
});

test('vertex colours multiply the base colour, between corners in proportion', () => {
  const flat = describe({
    shapes: [quad([0, 0, 0], [1, 0, 0], [0, 0, -1], { unlit: true, baseColor: [0.5, 1, 1, 1] })],
    camera: cameraAbove(5, 1),
  });
  // Black on the left, white on the right.
  const colors = Float32Array.of(0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1);
  const scene = { ...flat, geometry: { ...flat.geometry, colors } };
  const [beauty] = render(scene, { widthPx: 4, heightPx: 4, samples: 64 });
  [0.125, 0.375, 0.625, 0.875].forEach((x, pixel) => {
    expect(beauty![pixel * 4]).toBeCloseTo(x * 0.5, 2);
    expect(beauty![pixel * 4 + 1]).toBeCloseTo(x, 2);
  });
});

test('a cancelled tile stops with RENDER_CANCELLED', () => {
  const scene = buildTraceScene(describe({ shapes: [], camera: cameraInFront(1, 1) }));
  const tile = {
    region: { x0: 0, y0: 0, x1: 64, y1: 64 },
    widthPx: 64,
    heightPx: 64,
    samples: 64,
    seed: 0,
    frame: 0,
    layers: [],
  };
  const control = { isCancelled: () => true, progress: () => {} };
  expect(() => renderTile(scene, new PathTracer(scene), tile, control)).toThrow(
    expect.objectContaining({ code: 'RENDER_CANCELLED' }),
  );
});

test.each([0.01, 1, 1e5])(
  'a closed box of %d m keeps its light out: no ray starts on the wrong side',
  (size) => {
    const walls = sphere([0, 0, 0], size, { metallic: 1, doubleSided: true }, 8);
    const scene = describe({
      shapes: [walls],
      camera: { ...cameraInFront(0, 1), znear: 0 } as never,
      environment: { kind: 'white' },
    });
    const [beauty] = render(scene, { widthPx: 8, heightPx: 8, samples: 16 });
    expect(meanOf(beauty!)).toBe(0);
  },
);
