import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import type { SceneDescription } from '../scene-description.js';
import { loadFrame } from './load-frame.js';

/** Public models beside the repository; their README names sources and licences. */
const samples = resolve(import.meta.dirname, '../../../../../../shared/scenes');
const isThere = existsSync(samples);

function load(path: string, settings: object = {}, frame = 0): Promise<SceneDescription> {
  const scene = { folder: samples, entry: path };
  return loadFrame({ scene, settings: renderSettingsSchema.parse(settings), frame });
}

/** Everything that the path tracer relies on. */
function checkSound({ geometry, materials, images, bounds }: SceneDescription): void {
  const { positions, normals, tangents, indices, materialIds, vertexCount, triangleCount } = geometry;
  expect([indices.length, materialIds.length]).toEqual([triangleCount * 3, triangleCount]);
  expect(indices.every((vertex) => vertex < vertexCount)).toBe(true);
  expect(materialIds.every((id) => id < materials.length)).toBe(true);
  let worst = 0;
  for (let v = 0; v < vertexCount; v++) {
    const length = Math.hypot(normals[v * 3]!, normals[v * 3 + 1]!, normals[v * 3 + 2]!);
    worst = Math.max(worst, Math.abs(length - 1));
    const tangent = Math.hypot(tangents[v * 4]!, tangents[v * 4 + 1]!, tangents[v * 4 + 2]!);
    if (tangent > 0)
      worst = Math.max(worst, Math.abs(tangent - 1), Math.abs(Math.abs(tangents[v * 4 + 3]!) - 1));
  }
  expect(worst).toBeLessThan(1e-5);
  expect(positions.every((value) => Number.isFinite(value))).toBe(true);
  expect(bounds.min.every((value, axis) => value < bounds.max[axis]!)).toBe(true);
  for (const image of images) expect(image.data.length).toBe(image.widthPx * image.heightPx * 4);
}

if (!isThere) {
  it(`real scenes are not loaded, because there is no folder ${samples}`, () => {
    console.log(`real scenes are not loaded: there is no folder ${samples}`);
    expect(isThere).toBe(false);
  });
} else
  describe('real scenes', () => {
    it('FlightHelmet: textures, normal maps and blended lenses', async () => {
      const scene = await load('FlightHelmet/FlightHelmet.gltf');
      checkSound(scene);
      expect(scene.geometry.triangleCount).toBe(94_722);
      expect(scene.images).toHaveLength(15);
      expect(scene.environment).toEqual({ kind: 'sky' });
      expect(scene.materials.filter((material) => material.alphaMode === 'blend')).toHaveLength(1);
      const tangents = scene.geometry.tangents.filter((_, i) => i % 4 === 3);
      expect(tangents.some((sign) => sign === 0)).toBe(false);
    });

    it('Fox: three animations of one skin', async () => {
      const names = ['Survey', 'Walk', 'Run'];
      const keys = new Set<string>();
      for (const animation of names) {
        const scene = await load('Fox/Fox.glb', { animation }, 8);
        checkSound(scene);
        // About 130 units long and 75 high, in each pose.
        expect(scene.bounds.max[1] - scene.bounds.min[1]).toBeGreaterThan(60);
        expect(scene.bounds.max[2] - scene.bounds.min[2]).toBeLessThan(180);
        keys.add(scene.geometry.key);
      }
      expect(keys.size).toBe(3);
    });

    it('CornellBox: its lamp leaves the sky out', async () => {
      const scene = await load('CornellBox/CornellBox.glb');
      checkSound(scene);
      expect(scene.environment).toEqual({ kind: 'none' });
      expect(scene.materials.some((material) => material.emissive[0] > 1)).toBe(true);
    });

    it('a photographed environment: the sun is above the horizon', async () => {
      const environment = { kind: 'file', path: 'env/spiaggia_di_mondello_1k.hdr' };
      const scene = await load(join('CornellBox', 'CornellBox.glb'), { environment });
      if (scene.environment.kind !== 'image') throw new Error('an image was asked for');
      const { widthPx, heightPx, data } = scene.environment;
      expect([widthPx, heightPx, data.length]).toEqual([1024, 512, 1024 * 512 * 3]);
      const brightest = data.reduce((best, value, i) => (value > data[best]! ? i : best), 0);
      expect(Math.floor(brightest / 3 / widthPx)).toBeLessThan(heightPx / 2);
      expect(data.every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
    });
  });
