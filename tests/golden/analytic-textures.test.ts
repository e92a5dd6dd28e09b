/**
 * Which texel is seen where, against arithmetic done by hand: textures with their wrap modes, transforms and encoding, and
 * environment pictures all around. Scenes are real glTF files, loaded and traced as a node does it.
 */
import type { GLTF } from '@gltf-transform/core';
import { KHRTextureTransform } from '@gltf-transform/extensions';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  AnalyticScene,
  type Quad,
  renderScene,
  type Triple,
  turnAbout,
} from '#tests/support/analytic-scene.js';
import { imageBytes } from '#tests/support/gltf-scenes.js';
import { equirectangularExr, equirectangularHdr } from '#tests/support/one-texel-environment.js';

const UNLIT = { unlit: true } as const;

describe('textures', () => {
  const RED = [1, 0, 0];
  const GREEN = [0, 1, 0];
  const BLUE = [0, 0, 1];
  const WHITE = [1, 1, 1];
  /** Red and green above blue and white. */
  const fourTexels = imageBytes(
    'png',
    2,
    2,
    [RED, GREEN, BLUE, WHITE].flatMap((c) => [...c.map((v) => v * 255), 255]),
  );

  interface Sampler {
    readonly uv?: readonly number[];
    readonly wrap?: GLTF.TextureWrapMode;
    readonly transform?: { offset?: [number, number]; rotation?: number; scale?: [number, number] };
  }

  /** The colours of 4 × 4 px over the whole square, by nearest texel. */
  async function seen({ uv, wrap = 10497, transform }: Sampler): Promise<number[][][]> {
    const scene = new AnalyticScene();
    scene.orthographic(1);
    const material = scene.material({ ...UNLIT, picture: await fourTexels });
    const info = material.getBaseColorTextureInfo()!.setMagFilter(9728).setWrapS(wrap).setWrapT(wrap);
    if (transform) {
      const extension = scene.document.createExtension(KHRTextureTransform).createTransform();
      extension.setOffset(transform.offset ?? [0, 0]).setRotation(transform.rotation ?? 0);
      info.setExtension('KHR_texture_transform', extension.setScale(transform.scale ?? [1, 1]));
    }
    scene.square(material, {}, uv ? { TEXCOORD_0: uv } : {});
    const picture = await renderScene(scene, { widthPx: 4, heightPx: 4 });
    return [0, 1, 2, 3].map((y) => [0, 1, 2, 3].map((x) => picture.at(x, y).slice(0, 3)));
  }
  const doubled = (a: number[], b: number[], c: number[], d: number[]) => [
    [a, a, b, b],
    [a, a, b, b],
    [c, c, d, d],
    [c, c, d, d],
  ];
  /** Texture coordinates of the square's corners, from (low, low) at the top left to (high, high). */
  const corners = (low: number, high: number) => [low, high, high, high, high, low, low, low];

  it('have their first row on top and their first column on the left', async () => {
    expect(await seen({})).toEqual(doubled(RED, GREEN, BLUE, WHITE));
  });

  it('repeat, stay at their edge, or mirror', async () => {
    const repeated = [
      [RED, GREEN, RED, GREEN],
      [BLUE, WHITE, BLUE, WHITE],
    ];
    expect(await seen({ uv: corners(0, 2) })).toEqual([...repeated, ...repeated]);
    expect(await seen({ uv: corners(-1, 1) })).toEqual([...repeated, ...repeated]);
    expect(await seen({ uv: corners(-0.5, 1.5), wrap: 33071 })).toEqual(doubled(RED, GREEN, BLUE, WHITE));
    expect(await seen({ uv: corners(0, 2), wrap: 33648 })).toEqual([
      [RED, GREEN, GREEN, RED],
      [BLUE, WHITE, WHITE, BLUE],
      [BLUE, WHITE, WHITE, BLUE],
      [RED, GREEN, GREEN, RED],
    ]);
  });

  it('are offset, scaled and turned by KHR_texture_transform', async () => {
    expect(await seen({ transform: { offset: [0.5, 0] } })).toEqual(doubled(GREEN, RED, WHITE, BLUE));
    expect(await seen({ transform: { scale: [0.5, 0.5] } })).toEqual(doubled(RED, RED, RED, RED));
    expect(await seen({ transform: { scale: [0.5, 1], offset: [0.5, 0] } })).toEqual(
      doubled(GREEN, GREEN, WHITE, WHITE),
    );
    // "Rotate the UVs counter-clockwise … equivalent to a similar rotation of the texture clockwise."
    expect(await seen({ transform: { rotation: Math.PI / 2, offset: [0, 1] } })).toEqual(
      doubled(BLUE, RED, WHITE, GREEN),
    );
  });

  it('are decoded by the sRGB curve of IEC 61966-2-1, 8 or 16 bits deep, before they multiply the factor', async () => {
    const linear = (code: number) =>
      code / 255 <= 0.04045 ? code / 255 / 12.92 : ((code / 255 + 0.055) / 1.055) ** 2.4;
    const codes = [188, 10, 255] as const;
    const deep = new Uint16Array(codes.map((code) => code * 257));
    const files = [
      await imageBytes('png', 1, 1, [...codes, 255]),
      await sharp(deep, { raw: { width: 1, height: 1, channels: 3 } })
        .toColourspace('rgb16')
        .png()
        .toBuffer(),
    ];
    expect((await sharp(files[1]).metadata()).depth).toBe('ushort');
    for (const picture of files) {
      const scene = new AnalyticScene();
      scene.orthographic(0.5);
      scene.square(scene.material({ ...UNLIT, picture, color: [1, 0.5, 0.25] }));
      const [r, g, b, a] = (await renderScene(scene, { samples: 4 })).at(2, 2);
      expect(r).toBeCloseTo(linear(188), 6);
      expect(g).toBeCloseTo(linear(10) * 0.5, 6);
      expect([b, a]).toEqual([0.25, 1]);
    }
  });
});

describe('an environment picture', () => {
  const WIDTH = 16;
  const HEIGHT = 8;
  const FILM_PX = 48;
  const RADIANCE = 40;

  /** Direction of a texel's centre: row 0 is up, the picture's middle column edge is −Z, +X is to the right of it. */
  function directionOf(column: number, row: number): Triple {
    const phi = ((column + 0.5) / WIDTH - 0.5) * 2 * Math.PI;
    const theta = ((row + 0.5) / HEIGHT) * Math.PI;
    return [Math.sin(phi) * Math.sin(theta), Math.cos(theta), -Math.cos(phi) * Math.sin(theta)];
  }

  const FILES = {
    hdr: ['sky.hdr', equirectangularHdr],
    exr: ['sky.exr', equirectangularExr],
  } as const;

  it.each([
    {
      looking: 'along −Z',
      turn: [0, 0, 0, 1],
      texel: [9, 3],
      right: [1, 0, 0],
      up: [0, 1, 0],
      ahead: [0, 0, -1],
    },
    {
      looking: 'along +X',
      turn: turnAbout('y', -90),
      texel: [11, 4],
      right: [0, 0, 1],
      up: [0, 1, 0],
      ahead: [1, 0, 0],
    },
    {
      looking: 'along +Z',
      turn: turnAbout('y', 180),
      texel: [15, 3],
      right: [-1, 0, 0],
      up: [0, 1, 0],
      ahead: [0, 0, 1],
    },
    {
      looking: 'up',
      turn: turnAbout('x', 90),
      texel: [10, 0],
      right: [1, 0, 0],
      up: [0, 0, 1],
      ahead: [0, 1, 0],
    },
    {
      looking: 'down',
      turn: turnAbout('x', -90),
      texel: [5, 7],
      right: [1, 0, 0],
      up: [0, 0, -1],
      ahead: [0, -1, 0],
    },
  ] as const)(
    'shows its one bright texel where it is, $looking',
    async ({ turn, texel, right, up, ahead }) => {
      const direction = directionOf(texel[0], texel[1]);
      const along = (axis: Triple) => axis.reduce((sum, part, i) => sum + part * direction[i]!, 0);
      // yfov 90°: the film is ±1 at distance 1.
      const x = ((along(right) / along(ahead) + 1) / 2) * FILM_PX;
      const y = ((1 - along(up) / along(ahead)) / 2) * FILM_PX;
      for (const [name, write] of Object.values(FILES)) {
        const scene = new AnalyticScene();
        scene.perspective(Math.PI / 2, { turn: turn as Quad });
        const picture = await renderScene(scene, {
          widthPx: FILM_PX,
          heightPx: FILM_PX,
          samples: 16,
          environmentFile: [name, await write(WIDTH, HEIGHT, texel[0], texel[1], RADIANCE)],
        });
        const brightest = picture.brightest();
        expect(Math.abs(brightest.x + 0.5 - x), `${name}: column ${brightest.x} for ${x}`).toBeLessThan(1.2);
        expect(Math.abs(brightest.y + 0.5 - y), `${name}: row ${brightest.y} for ${y}`).toBeLessThan(1.2);
        expect(brightest.value).toBeGreaterThan(RADIANCE * 0.8);
        expect(brightest.value).toBeLessThanOrEqual(RADIANCE * 1.01);
        expect(picture.mean(3)).toBe(1);
      }
    },
  );

  it('lights a plane by the solid angle and cosine of its texel', async () => {
    const [column, row] = [12, 1];
    const scene = new AnalyticScene();
    scene.orthographic(0.1, 0.1, { at: [0, 5, 0], turn: turnAbout('x', -90) });
    scene.square(scene.material({ color: [0.5, 0.5, 0.5] }), { turn: turnAbout('x', -90) });
    const picture = await renderScene(scene, {
      samples: 256,
      environmentFile: ['sky.hdr', await equirectangularHdr(WIDTH, HEIGHT, column, row, RADIANCE)],
    });
    // ∫ L cos θ sin θ dθ dφ with the tent that bilinear lookup makes of one texel: its φ integral is one column.
    const steps = 2000;
    let irradiance = 0;
    for (let i = 0; i < steps; i++) {
      const v = (row - 0.5 + (2 * (i + 0.5)) / steps) / HEIGHT;
      const tent = 1 - Math.abs((2 * (i + 0.5)) / steps - 1);
      const theta = v * Math.PI;
      irradiance += (tent * RADIANCE * Math.cos(theta) * Math.sin(theta) * 2 * Math.PI) / (steps * HEIGHT);
    }
    irradiance *= (2 * Math.PI) / WIDTH;
    const brightness = picture.mean(0) / ((0.5 * irradiance) / Math.PI);
    expect(Math.abs(brightness - 1), `${brightness} of aE/π`).toBeLessThan(0.03);
  });
});
