import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { triangleJson, writeSceneFolder } from '#tests/support/gltf-scenes.js';
import { SceneJudge } from './scene-judge.js';

describe('judging in a thread', () => {
  const judge = new SceneJudge();
  afterAll(() => judge.close());

  it('errors keep their code and details across the thread', async () => {
    await using scene = await writeSceneFolder('scene.gltf', {
      'scene.gltf': { ...triangleJson(), images: [{ uri: 'a.png' }] },
    });
    const { entry, files } = scene;
    await expect(judge.judge({ entry, files, wanted: {} })).rejects.toMatchObject({
      name: 'FarmError',
      code: 'SCENE_FILE_MISSING',
      details: { path: 'a.png' },
    });
  });

  it('a scene that takes too long is refused, and the next one is judged', async () => {
    await using quick = new SceneJudge({ timeLimitMs: 1 });
    await using scene = await writeSceneFolder('scene.gltf', { 'scene.gltf': triangleJson() });
    const { entry, files } = scene;
    await expect(quick.judge({ entry, files, wanted: {} })).rejects.toThrow('could not be checked within');
    await expect(judge.judge({ entry, files, wanted: {} })).resolves.toMatchObject({ warnings: [] });
  });

  it('a scene that needs too much memory is refused, and its thread alone ends', async () => {
    await using small = new SceneJudge({ heapMiBMax: 48 });
    const nodes = [{ mesh: 0 }, ...Array.from({ length: 150_000 }, () => ({ name: 'x' }))];
    await using scene = await writeSceneFolder('scene.gltf', { 'scene.gltf': { ...triangleJson(), nodes } });
    await using good = await writeSceneFolder('scene.gltf', { 'scene.gltf': triangleJson() });
    await expect(small.judge({ entry: scene.entry, files: scene.files, wanted: {} })).rejects.toThrow(
      'too much memory',
    );
    await expect(small.judge({ entry: good.entry, files: good.files, wanted: {} })).resolves.toMatchObject({
      warnings: [],
    });
  });

  const samples = resolve(import.meta.dirname, '../../../../shared/scenes');
  const isThere = existsSync(samples);
  if (!isThere) console.log(`real scenes are not judged: there is no folder ${samples}`);
  it.each(
    isThere
      ? [
          ['FlightHelmet/FlightHelmet.gltf', 94_722, '0'],
          ['Fox/Fox.glb', 576, '0-82'],
          ['CornellBox/CornellBox.glb', 36, '0'],
        ]
      : [],
  )('%s passes without a warning', async (path, triangles, frames) => {
    const [folder, entry] = path.split('/') as [string, string];
    const names = readdirSync(join(samples, folder));
    const files = Object.fromEntries(names.map((name) => [name, join(samples, folder, name)]));
    const judged = await judge.judge({ entry, files, wanted: {} });
    expect(judged).toMatchObject({ warnings: [], summary: { triangles }, defaults: { frames } });
  });
});
