/**
 * Radiometry against closed forms: scenes written as real glTF files, loaded and traced as a node does it. Where one
 * direction of light reaches a flat film, nothing is left to chance and the tolerance is a rounding error; elsewhere it is
 * above the noise of its samples.
 * "aE/π" is what a perfect lambert surface sends back. glTF's rough dielectric is close to it: its coat of index 1.5
 * keeps some per cent of the light from the base and reflects some itself, which `metal-rough.ts` says exactly.
 */
import { describe, expect, it } from 'vitest';
import {
  AnalyticScene,
  type Placement,
  renderScene,
  type Triple,
  turnAbout,
} from '#tests/support/analytic-scene.js';
import { expectRatio } from '#tests/support/expect-ratio.js';
import { imageBytes } from '#tests/support/gltf-scenes.js';
import { metalRoughBrdf } from '#tests/support/metal-rough.js';

const radians = (degrees: number) => (degrees * Math.PI) / 180;
const cosine = (degrees: number) => Math.cos(radians(degrees));
/** Looks at so little of the scene that light does not change over the film. */
const POINT_M = 1e-4;

describe('directional light', () => {
  const LUX = 1000;
  /** The plane's normal stays +Z as the camera sees it. */
  const PLANES: readonly { readonly title: string; readonly plane: Placement }[] = [
    { title: 'as it is', plane: {} },
    { title: 'turned about its normal', plane: { turn: turnAbout('z', 35) } },
    { title: 'of non-uniform scale', plane: { size: [3, 0.5, 7] } },
    { title: 'mirrored by a negative scale', plane: { size: [-1, 1, 1] } },
    { title: 'mirrored twice', plane: { size: [-2, -1, 1] } },
  ];

  const paints = [0.8, 0.5, 0.2].map((a) => ({
    a,
    brdf: metalRoughBrdf({ color: a, metallic: 0, roughness: 1 }, 1),
  }));

  it.each(PLANES)('of E lux on a plane $title: E cos θ × BRDF, near aE cos θ/π', async ({ plane }) => {
    for (const degrees of [0, 30, 60]) {
      const scene = new AnalyticScene();
      scene.orthographic(0.2);
      scene.square(scene.material({ color: [0.8, 0.5, 0.2] }), plane);
      scene.light('directional', LUX, { turn: turnAbout('y', degrees) });
      const picture = await renderScene(scene, { samples: 4 });
      paints.forEach(({ a, brdf }, channel) => {
        const irradiance = LUX * cosine(degrees);
        expectRatio(
          picture.mean(channel),
          irradiance * brdf({ cosI: cosine(degrees) }),
          0.002,
          `${degrees}°`,
        );
        if (a >= 0.5) expectRatio(picture.mean(channel), (a * irradiance) / Math.PI, 0.03, `${degrees}°`);
      });
    }
  });

  it("of any colour on any material follows glTF's BRDF, with viewer and light aslant", async () => {
    const color: Triple = [1, 0.5, 0.25];
    for (const surface of [
      { metallic: 0, roughness: 0.5 },
      { metallic: 0.5, roughness: 0.4 },
      { metallic: 1, roughness: 0.7 },
    ]) {
      const scene = new AnalyticScene();
      scene.orthographic(0.1);
      scene.square(scene.material({ ...surface, color: [0.7, 0.7, 0.7] }), { turn: turnAbout('y', 40) });
      // Comes from +Y and +Z: 30° above the film's axis.
      const { light } = scene.light('directional', LUX, { turn: turnAbout('x', -30) });
      light.setColor([...color] as [number, number, number]);
      const picture = await renderScene(scene, { samples: 4 });
      const normal = [Math.sin(radians(40)), 0, cosine(40)];
      const toLight = [0, Math.sin(radians(30)), cosine(30)];
      const cosI = normal[2]! * toLight[2]!;
      const cosO = cosine(40);
      const between = (cosine(30) - cosI * cosO) / Math.sqrt((1 - cosI ** 2) * (1 - cosO ** 2));
      const brdf = metalRoughBrdf({ ...surface, color: 0.7 }, cosO);
      for (const [channel, share] of color.entries()) {
        const expected = LUX * share * cosI * brdf({ cosI, azimuth: Math.acos(between) });
        expectRatio(picture.mean(channel), expected, 0.004, JSON.stringify(surface));
      }
    }
  });

  it('meets the true normal of a plane that its parent stretches: the inverse transpose of the matrix', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.05);
    const plane = scene.square(scene.material({ color: [0.8, 0.8, 0.8] }), { turn: turnAbout('y', 45) });
    const parent = scene.document.createNode().setScale([3, 1, 1]).addChild(plane);
    scene.scene.addChild(parent);
    scene.light('directional', LUX);
    // (sin 45°, 0, cos 45°) ÷ (3, 1, 1), made unit.
    const cos = cosine(45) / Math.hypot(Math.sin(radians(45)) / 3, cosine(45));
    const brdf = metalRoughBrdf({ color: 0.8, metallic: 0, roughness: 1 }, cos);
    const picture = await renderScene(scene, { samples: 4 });
    expectRatio(picture.mean(0), LUX * cos * brdf({ cosI: cos }), 0.002);
  });

  it('does not reach the back of a plane, nor what stands in its shadow', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.2);
    scene.square(scene.material({}));
    scene.light('directional', LUX, { turn: turnAbout('y', 180) });
    expect((await renderScene(scene)).mean(0)).toBe(0);
    scene.light('directional', LUX);
    // A single-sided roof: its culled back lets the camera see through, but not the light.
    scene.square(scene.material({}), { at: [0, 0, 1], turn: turnAbout('y', 180) });
    const picture = await renderScene(scene);
    expect([picture.mean(0), picture.mean(3)]).toEqual([0, 1]);
  });
});

describe('point and spot lights', () => {
  const ALBEDO = 0.6;
  const CANDELA = 50;
  const seenUpright = metalRoughBrdf({ color: ALBEDO, metallic: 0, roughness: 1 }, 1);
  /** KHR_lights_punctual, "Range property": 1 ÷ d² × clamp(1 − (d ÷ range)⁴). */
  const attenuation = (d: number, range: number) => Math.max(1 - (d / range) ** 4, 0) / d ** 2;

  async function radianceUnder(kind: 'point' | 'spot', from: Triple, range?: number): Promise<number> {
    const scene = new AnalyticScene();
    scene.orthographic(POINT_M);
    scene.square(scene.material({ color: [ALBEDO, ALBEDO, ALBEDO] }));
    const { light } = scene.light(kind, CANDELA, { at: from });
    if (range) light.setRange(range);
    return (await renderScene(scene, { samples: 4 })).mean(1);
  }

  it.each([
    [0, 0, 0.5],
    [0, 0, 2],
    [0, 0, 40],
    [1, 0, 1],
    [-3, 4, 2],
  ])('of I candela at (%d, %d, %d) m give I cos θ ÷ d² × BRDF', async (x, y, z) => {
    const d = Math.hypot(x, y, z);
    const cosI = z / d;
    const expected = (CANDELA * cosI * seenUpright({ cosI })) / d ** 2;
    expectRatio(await radianceUnder('point', [x, y, z]), expected, 0.002);
    expectRatio(expected, (ALBEDO * CANDELA * cosI) / (Math.PI * d ** 2), 0.03, 'lambert');
  });

  it('fade to nothing at their range', async () => {
    for (const d of [1, 2, 3, 3.9]) {
      const expected = CANDELA * seenUpright({ cosI: 1 }) * attenuation(d, 4);
      expectRatio(await radianceUnder('point', [0, 0, d], 4), expected, 0.003, `${d} m`);
    }
    expect(await radianceUnder('point', [0, 0, 4], 4)).toBe(0);
    expect(await radianceUnder('spot', [0, 0, 5], 4)).toBe(0);
  });

  /** KHR_lights_punctual, "Inner and outer cone angles". */
  function cone(cosAxis: number, inner: number, outer: number): number {
    const scale = 1 / Math.max(0.001, Math.cos(inner) - Math.cos(outer));
    return Math.min(Math.max(cosAxis * scale - Math.cos(outer) * scale, 0), 1) ** 2;
  }

  /** Two ways to the same pose: 2 m above the plane, shining straight down. */
  const RIGS = [
    {
      title: 'in the scene itself',
      rig: (scene: AnalyticScene) => scene.light('spot', CANDELA, { at: [0, 0, 2] }).light,
    },
    {
      title: 'under a turned and scaled parent',
      rig: (scene: AnalyticScene) => {
        const { light, node } = scene.light('spot', CANDELA, { at: [0, -1, 0], turn: turnAbout('x', 90) });
        const parent = scene.document.createNode().setScale([2, 2, 2]).addChild(node);
        scene.scene.addChild(parent.setRotation([...turnAbout('x', -90)]));
        return light;
      },
    },
  ];

  it.each(RIGS)('shine by the cone formula, between full and none: a spot $title', async ({ rig }) => {
    const [inner, outer] = [radians(15), radians(35)];
    const halfM = 2;
    const size = 16;
    const scene = new AnalyticScene();
    scene.orthographic(halfM);
    scene.square(scene.material({ color: [ALBEDO, ALBEDO, ALBEDO] }), { size: [5, 5, 1] });
    rig(scene).setInnerConeAngle(inner).setOuterConeAngle(outer);
    const picture = await renderScene(scene, { widthPx: size, heightPx: size, samples: 64 });
    const radiance = (x: number, y: number) => {
      const d2 = x * x + y * y + 4;
      const cosI = 2 / Math.sqrt(d2);
      return ((CANDELA * cosI) / d2) * seenUpright({ cosI }) * cone(cosI, inner, outer);
    };
    const centre = radiance(0, 0);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        let expected = 0;
        for (let i = 0; i < 64; i++) {
          const x = ((column + ((i & 7) + 0.5) / 8) / size) * 2 * halfM - halfM;
          const y = halfM - ((row + ((i >> 3) + 0.5) / 8) / size) * 2 * halfM;
          expected += radiance(x, y) / 64;
        }
        const [measured] = picture.at(column, row);
        if (expected === 0) expect(measured).toBeLessThan(centre * 0.001);
        else expect(Math.abs(measured! - expected) / centre, `${column},${row}`).toBeLessThan(0.006);
      }
    }
    expect(picture.at(0, 0)[0]).toBe(0);
  });

  it('add up, though only one is asked for each sample', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(POINT_M);
    scene.square(scene.material({ color: [ALBEDO, ALBEDO, ALBEDO] }));
    scene.light('point', 10, { at: [0, 0, 1] }).light.setColor([1, 0, 0]);
    scene.light('point', 80, { at: [0, 0, 2] }).light.setColor([0, 1, 0]);
    scene.light('directional', 5).light.setColor([0, 0, 1]);
    scene.light('spot', 10, { at: [0, 0, 1], turn: turnAbout('y', 180) });
    const picture = await renderScene(scene, { samples: 256 });
    [10, 20, 5].forEach((lux, channel) => {
      // 16,384 choices by luminance: blue is chosen about once in 45, so its deviation is 5 %.
      const tolerance = channel === 2 ? 0.1 : 0.02;
      expectRatio(picture.mean(channel), lux * seenUpright({ cosI: 1 }), tolerance, `channel ${channel}`);
    });
  });
});

describe('emissive surfaces', () => {
  const ALBEDO = 0.7;
  const NITS = 120;

  /**
   * Form factor from a small area to a parallel rectangle X × Y (in units of the distance) with one corner above it.
   * Source: Howell, "A Catalog of Radiation Heat Transfer Configuration Factors", B-3.
   */
  function cornerFormFactor(x: number, y: number): number {
    const rootX = Math.sqrt(1 + x * x);
    const rootY = Math.sqrt(1 + y * y);
    return ((x / rootX) * Math.atan(y / rootX) + (y / rootY) * Math.atan(x / rootY)) / (2 * Math.PI);
  }

  /** ∫ BRDF cos² ÷ d² over a rectangle of half sides a, b at height h, for a viewer straight above. */
  function reflectedOfRectangle(
    a: number,
    b: number,
    h: number,
    brdf: (light: { cosI: number }) => number,
  ): number {
    const steps = 100;
    let sum = 0;
    for (let i = 0; i < steps; i++) {
      for (let j = 0; j < steps; j++) {
        const d2 = (((i + 0.5) * a) / steps) ** 2 + (((j + 0.5) * b) / steps) ** 2 + h * h;
        const cosI = h / Math.sqrt(d2);
        sum += (brdf({ cosI }) * cosI * cosI) / d2;
      }
    }
    return (sum * 4 * a * b) / (steps * steps);
  }

  it.each([
    [1, 1, 1, false],
    [0.2, 0.1, 2, false],
    [3, 0.5, 0.25, false],
    [1, 1, 1, true],
  ])(
    'of %d × %d m half sides, %d m above a plane, light it by their form factor (facing away, double-sided: %s)',
    async (a, b, h, facesAway) => {
      const scene = new AnalyticScene();
      // Below the lamp, whichever way that faces.
      scene.orthographic(POINT_M, POINT_M, { at: [0, 0, h / 2] });
      scene.square(scene.material({ color: [ALBEDO, ALBEDO, ALBEDO] }), { size: [0.01, 0.01, 1] });
      scene.square(scene.material({ color: [0, 0, 0], nits: [NITS, NITS, NITS], doubleSided: facesAway }), {
        at: [0, 0, h],
        turn: turnAbout('y', facesAway ? 0 : 180),
        size: [a, b, 1],
      });
      const brdf = metalRoughBrdf({ color: ALBEDO, metallic: 0, roughness: 1 }, 1);
      const measured = (await renderScene(scene, { samples: 256 })).mean(0);
      expectRatio(measured, NITS * reflectedOfRectangle(a, b, h, brdf), 0.01);
      expectRatio(measured, ALBEDO * NITS * 4 * cornerFormFactor(a / h, b / h), 0.03, 'lambert');
    },
  );

  it('have exactly their nits as seen, from the front; a single-sided back is not there', async () => {
    for (const [degrees, doubleSided, isSeen] of [
      [0, false, true],
      [70, false, true],
      [180, false, false],
      [180, true, true],
    ] as const) {
      const scene = new AnalyticScene();
      scene.orthographic(0.2);
      scene.square(scene.material({ nits: [1234.5, 617.25, 0], doubleSided }), {
        turn: turnAbout('y', degrees),
      });
      const picture = await renderScene(scene);
      expectRatio(picture.mean(0) + 1, isSeen ? 1235.5 : 1, 1e-6);
      expectRatio(picture.mean(1) + 1, isSeen ? 618.25 : 1, 1e-6);
      expect([picture.mean(2), picture.mean(3)]).toEqual(isSeen ? [0, 1] : [0, 0]);
    }
  });

  it('are seen through their own picture: factor × strength × sRGB texel', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.2);
    const material = scene.material({ nits: [80, 80, 40] });
    material.setEmissiveTexture(scene.texture(await imageBytes('png', 1, 1, [188, 255, 10, 255])));
    scene.square(material);
    const picture = await renderScene(scene);
    expectRatio(picture.mean(0), 80 * ((188 / 255 + 0.055) / 1.055) ** 2.4, 1e-6);
    expectRatio(picture.mean(1), 80, 1e-6);
    expectRatio(picture.mean(2), (40 * (10 / 255)) / 12.92, 1e-6);
  });

  it('stand in a mirror where the law of reflection puts them, times Fresnel', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.2);
    // Turned by 45°, it sends what goes along −Z to +X.
    scene.square(scene.material({ metallic: 1, roughness: 0, color: [1, 0.5, 0.2] }), {
      turn: turnAbout('y', 45),
    });
    scene.square(scene.material({ color: [0, 0, 0], nits: [NITS, NITS, NITS] }), {
      at: [5, 0, 0],
      turn: turnAbout('y', -90),
    });
    const picture = await renderScene(scene);
    [1, 0.5, 0.2].forEach((f0, channel) => {
      expectRatio(picture.mean(channel), NITS * (f0 + (1 - f0) * (1 - cosine(45)) ** 5), 0.003);
    });
  });

  it('without a lamp: an unlit surface shows its colour exactly, whatever shines on it', async () => {
    const scene = new AnalyticScene();
    scene.orthographic(0.2);
    scene.square(scene.material({ unlit: true, color: [0.75, 0.5, 0.125] }), { turn: turnAbout('y', 30) });
    scene.light('directional', 1e5);
    scene.square(scene.material({ nits: [1e4, 1e4, 1e4] }), { at: [0, 0, 9], turn: turnAbout('y', 180) });
    expect((await renderScene(scene, { environment: 'white' })).at(3, 3)).toEqual([0.75, 0.5, 0.125, 1]);
  });
});
