import { describe, expect, it } from 'vitest';
import { SceneBuilder, TRIANGLE } from '#tests/support/gltf-scenes.js';
import { loadDocument } from '#tests/support/load-scene.js';
import type { SceneCamera } from '../scene-description.js';
import { cameraThatFits } from './default-camera.js';

/** Where points land on the film, ±1 at its sides: [left, right, bottom, top]. */
function extents(camera: SceneCamera, points: ArrayLike<number>, aspect: number): readonly number[] {
  if (camera.kind !== 'perspective') throw new Error('the default camera is perspective');
  const { worldMatrix: m, yfov, znear } = camera;
  const tan = Math.tan(yfov / 2);
  const xs: number[] = [];
  const ys: number[] = [];
  for (let i = 0; i < points.length; i += 3) {
    const along = (axis: number) =>
      [0, 1, 2].reduce((sum, c) => sum + (points[i + c]! - m[12 + c]!) * m[axis + c]!, 0);
    const depth = -along(8);
    expect(depth).toBeGreaterThan(znear);
    xs.push(along(0) / depth / tan / aspect);
    ys.push(along(4) / depth / tan);
  }
  return [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
}

describe('the default camera', () => {
  it.each([[3], [1], [0.4]])(
    'comes so near that points touch two opposite sides of the margin, at aspect %f',
    (aspect) => {
      // A long diagonal staircase: its bounding box is far larger than what is seen of it.
      const points = Float32Array.from(
        { length: 90 },
        (_, i) => Math.floor(i / 3) * [0.3, 0.1, -0.8][i % 3]! + 5,
      );
      const [left, right, bottom, top] = extents(cameraThatFits([() => points], aspect), points, aspect);
      expect(left).toBeCloseTo(-right!, 5);
      expect(bottom).toBeCloseTo(-top!, 5);
      expect(Math.max(right!, top!)).toBeCloseTo(1 / 1.12, 5);
    },
  );

  it.each([
    ['nothing', []],
    ['one point', [4, 5, 6]],
    ['a line along its axis', [0, 0, 0, 0.6, 0.4, 1]],
  ])('stands somewhere in front of %s', (_, points) => {
    const camera = cameraThatFits([() => Float32Array.from(points)], 1);
    expect(camera.worldMatrix.every(Number.isFinite)).toBe(true);
    expect(camera.znear).toBeGreaterThan(0);
    if (points.length > 0)
      for (const side of extents(camera, points, 1)) expect(Math.abs(side)).toBeLessThan(0.9);
  });

  it('stands still during an animation, and sees all of it', async () => {
    const builder = new SceneBuilder();
    const node = builder.show(builder.mesh({ attributes: { POSITION: TRIANGLE } }));
    builder.animate(node, { path: 'translation', times: [0, 1], values: [-5, 0, 0, 5, 3, 2] });
    const settings = { widthPx: 160, heightPx: 90, fps: 24 };
    const frames = await Promise.all(
      [0, 7, 12, 24, 100].map((frame) => loadDocument(builder.document, settings, frame)),
    );
    for (const { camera, geometry } of frames) {
      expect(camera).toEqual(frames[0]!.camera);
      for (const side of extents(camera, geometry.positions, 16 / 9)) expect(Math.abs(side)).toBeLessThan(1);
    }
    expect(frames[0]!.geometry.positions).not.toEqual(frames[1]!.geometry.positions);
  });
});
