/**
 * White furnaces: in light of radiance 1 from everywhere an object that absorbs nothing cannot be seen, whatever its shape
 * and material, and one that absorbs shows how much. Scenes are real glTF files, loaded and traced as a node does it.
 * Tolerances are above the noise of the samples.
 */
import { describe, expect, it } from 'vitest';
import { AnalyticScene, renderScene, turnAbout } from '#tests/support/analytic-scene.js';
import { expectRatio } from '#tests/support/expect-ratio.js';
import { imageBytes } from '#tests/support/gltf-scenes.js';
import { coatAlbedo } from '#tests/support/metal-rough.js';

const radians = (degrees: number) => (degrees * Math.PI) / 180;
const cosine = (degrees: number) => Math.cos(radians(degrees));

describe('a white furnace', () => {
  const furnace = { environment: 'white', widthPx: 12, heightPx: 12, samples: 64 } as const;
  const SURFACES = [0, 0.5, 1].flatMap((metallic) =>
    [0, 0.3, 0.6, 1].map((roughness) => ({ metallic, roughness })),
  );
  const VARIANTS = [
    { title: 'plain', doubleSided: false },
    { title: 'double-sided', doubleSided: true },
    { title: 'with vertex colours of 1', doubleSided: false, vertexColor: [1, 1, 1, 1] as const },
  ];

  it.each(VARIANTS)('hides a lossless ball, $title: radiance and alpha are 1 everywhere', async (variant) => {
    for (const surface of SURFACES) {
      const scene = new AnalyticScene();
      scene.orthographic(1.1);
      scene.ball(scene.material({ ...surface, doubleSided: variant.doubleSided }), {}, variant.vertexColor);
      const picture = await renderScene(scene, furnace);
      const what = JSON.stringify(surface);
      for (const channel of [0, 1, 2]) expectRatio(picture.mean(channel), 1, 0.004, what);
      // A pixel has 64 samples, most of them 1 and some lost below the horizon: 0.15 off is the worst.
      for (const value of picture.channel(0).flat()) expectRatio(value, 1, 0.2, what);
      expect(picture.mean(3)).toBe(1);
    }
  });

  it('hides a lossless square from both sides, upright and aslant', async () => {
    for (const surface of SURFACES) {
      for (const degrees of [0, 60, 150]) {
        const scene = new AnalyticScene();
        scene.orthographic(0.3);
        scene.square(scene.material({ ...surface, doubleSided: true }), { turn: turnAbout('y', degrees) });
        const picture = await renderScene(scene, { ...furnace, widthPx: 8, heightPx: 8 });
        expectRatio(picture.mean(0), 1, 0.008, `${JSON.stringify(surface)} at ${degrees}°`);
      }
    }
  });

  it('shows a diffuse square whose normal map tilts by τ as (1 + cos τ)/2: the rest looks below the ground', async () => {
    // The part of a cosine lobe about the bent normal that lies above the real surface is (1 + cos τ)/2.
    for (const tilt of [0, 20, 40]) {
      const code = (value: number) => Math.round((value * 0.5 + 0.5) * 255);
      const normalMap = await imageBytes('png', 1, 1, [
        code(Math.sin(radians(tilt))),
        128,
        code(cosine(tilt)),
        255,
      ]);
      const scene = new AnalyticScene();
      scene.orthographic(0.3);
      scene.square(scene.material({ metallic: 0, roughness: 1, normalMap }));
      const picture = await renderScene(scene, furnace);
      expectRatio(picture.mean(0), (1 + cosine(tilt)) / 2, 0.012, `tilt ${tilt}°`);
      // A mirror's one direction stays above the ground: nothing is lost.
      const mirror = new AnalyticScene();
      mirror.orthographic(0.3);
      mirror.square(mirror.material({ metallic: 1, roughness: 0, normalMap }));
      expectRatio((await renderScene(mirror, furnace)).mean(0), 1, 0.001, `mirror, tilt ${tilt}°`);
    }
  });

  it('shows how much a grey dielectric absorbs: C + a (1 − C), where C is the share of its coat', async () => {
    for (const roughness of [0.4, 0.7, 1]) {
      for (const degrees of [0, 45, 70]) {
        const scene = new AnalyticScene();
        scene.orthographic(0.2);
        scene.square(scene.material({ roughness, color: [0.5, 0.2, 0] }), { turn: turnAbout('y', degrees) });
        const picture = await renderScene(scene, furnace);
        const coat = coatAlbedo(roughness, cosine(degrees));
        [0.5, 0.2, 0].forEach((a, channel) => {
          const measured = picture.mean(channel);
          const expected = coat + a * (1 - coat);
          expect(Math.abs(measured - expected), `roughness ${roughness} at ${degrees}°`).toBeLessThan(0.006);
        });
      }
    }
  });

  it("shows a mirror's Fresnel reflectance: F0 + (1 − F0)(1 − cos θ)⁵", async () => {
    for (const degrees of [0, 45, 75]) {
      const scene = new AnalyticScene();
      scene.orthographic(0.2);
      scene.square(scene.material({ metallic: 1, roughness: 0, color: [0.5, 0.1, 1] }), {
        turn: turnAbout('y', degrees),
      });
      const picture = await renderScene(scene, { ...furnace, samples: 4 });
      [0.5, 0.1, 1].forEach((f0, channel) => {
        expectRatio(picture.mean(channel), f0 + (1 - f0) * (1 - cosine(degrees)) ** 5, 0.003, `${degrees}°`);
      });
    }
  });
});
