import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { SceneFile } from '#shared/domain/scene-inspection.js';
import type { CoordinatorClient } from '#shared/wire/coordinator-client.js';
import { inspectOnFarm } from './inspect-on-farm.js';
import { pathBelow, widestRoot } from './package-root.js';

const home = mkdtempSync(join(tmpdir(), 'guian-on-farm-'));
const at = (name: string): string => join(home, name);
const scene = at('ann/shot/a.blend');
for (const name of ['shot/near.png', 'tex/up.png', 'tex/other.png', 'docs/taxes.pdf', '.ssh/id_rsa']) {
  mkdirSync(dirname(at(`ann/${name}`)), { recursive: true });
  writeFileSync(at(`ann/${name}`), 'x');
}
writeFileSync(scene, 'BLENDER//../tex/up.png\0//../.ssh/id_rsa\0');
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** A coordinator that says of the same files again and again that they are what the scene needs. */
function hostileFarm(state: SceneFile['state'], root: string) {
  const asked = ['shot/near.png', 'tex', 'tex/up.png', 'tex/other.png', 'docs/taxes.pdf', '.ssh/id_rsa'];
  const files = asked.map((name) => {
    const path = pathBelow(root, at(`ann/${name}`))!;
    return { path, reference: `//${name}`, what: 'image', state, sizeBytes: 1 };
  });
  const answer = {
    ...{ renderer: 'blender', rendererVersion: '3.4.1', savedWith: '', frames: '1', fps: 24, widthPx: 8 },
    ...{ heightPx: 8, samples: 1, scene: '', scenes: [], camera: '', cameras: [], viewLayers: [] },
    ...{ layers: [], files, tile: '', notices: [], scripts: [], problems: [] },
  };
  const got = new Set<string>();
  type Done = (error: null, answer: unknown) => void;
  const packages = {
    missingBlobs: (_: unknown, __: unknown, done: Done) => done(null, { missing: [] }),
    inspect: (request: { manifest: { files: { path: string }[] } }, _: unknown, done: Done) => {
      for (const { path } of request.manifest.files) got.add(pathBelow(at('ann'), join(root, path))!);
      done(null, answer);
    },
  };
  return { got, farm: { address: 'hostile:1', packages } as unknown as CoordinatorClient };
}

async function ask(state: SceneFile['state'], givenRoot?: string) {
  const { got, farm } = hostileFarm(state, givenRoot ?? widestRoot(scene));
  const inspected = await inspectOnFarm(
    { scene, givenRoot, allowScripts: false },
    { farm, renderer: 'blender', rendererVersion: '', studio: '', signal: new AbortController().signal },
  );
  return { got: [...got].sort(), inspected };
}

test('a node that asks for everything gets what is beside the scene or named in it', async () => {
  const { got, inspected } = await ask('missing');
  expect(got).toEqual(['shot/a.blend', 'shot/near.png', 'tex/up.png']);
  const outside = inspected.inspection.files.filter(({ state }) => state === 'outside');
  expect(outside.map(({ reference }) => pathBelow(home, reference))).toEqual([
    'ann/tex',
    'ann/tex/other.png',
    'ann/docs/taxes.pdf',
    'ann/.ssh/id_rsa',
  ]);
});

test('with a root it gets what lies below it, but nothing of hidden folders', async () => {
  const { got } = await ask('missing', at('ann'));
  const visible = ['docs/taxes.pdf', 'shot/a.blend', 'shot/near.png', 'tex/other.png', 'tex/up.png'];
  expect(got).toEqual(visible);
});

test('what a node says it has found without having got it is not there', async () => {
  const { got, inspected } = await ask('found');
  expect(got).toEqual(['shot/a.blend']);
  expect(inspected.root).toBe(at('ann/shot'));
  expect(new Set(inspected.inspection.files.map(({ state }) => state))).toEqual(new Set(['missing']));
});
