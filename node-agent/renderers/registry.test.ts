import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeModules } from './load-module.js';
import { NO_PROGRAMS, type Programs } from './program/program.js';
import { findInstallation, loadRenderer } from './registry.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-modules-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function moduleOf(name: string, text: string): Promise<string> {
  const file = join(folder, `${name}.mjs`);
  await writeFile(file, text);
  return file;
}

const renderer = (changes: string) =>
  `export const renderer = { name: 'dots', version: '1.0', prepare: async () => null, open: async () => ({}), ${changes} };`;

const two: Programs = {
  ...NO_PROGRAMS,
  installations: [
    { name: 'blender', version: '4.2.0+a.sse41', executable: '/opt/blender-4.2/blender' },
    { name: 'blender', version: '3.6.5+b.sse41', executable: '/opt/blender-3.6/blender' },
  ],
};

describe('a renderer is found by name and version', () => {
  test('the first of several installations, or just the one that is pinned', () => {
    expect(findInstallation('blender', undefined, two).version).toBe('4.2.0+a.sse41');
    expect(findInstallation('blender', '3.6.5+b.sse41', two).executable).toBe('/opt/blender-3.6/blender');
  });

  const missing: [name: string, version: string | undefined, programs: Programs, says: string][] = [
    [
      'blender',
      '3.4.1+c.sse41',
      two,
      'this node has no blender 3.4.1+c.sse41; it has 4.2.0+a.sse41, 3.6.5+b.sse41',
    ],
    ['povray', undefined, two, 'this node has no povray; it has the renderers gltf, synthetic, blender'],
    ['dots', '1.0', NO_PROGRAMS, 'this node has no dots 1.0; it has the renderers gltf, synthetic'],
    ['synthetic', '0.1', NO_PROGRAMS, 'this node has no synthetic 0.1; it has 1.0.0'],
    ['toString', undefined, NO_PROGRAMS, 'this node has no toString; it has the renderers gltf, synthetic'],
  ];
  test.each(missing)(
    '%s %s is not here, and what is here is named',
    async (name, version, programs, says) => {
      await expect(loadRenderer(name, version, programs)).rejects.toMatchObject({
        code: 'RENDERER_MISSING',
        message: says,
      });
    },
  );

  test('a module of the admin gives its renderer, methods of a class included', async () => {
    const file = await moduleOf(
      'class',
      `class Dots { name = 'dots'; version = '2.0'; async prepare() { return null; } async open() { return {}; } }
       export const renderer = new Dots();`,
    );
    const other = await moduleOf('other', renderer(''));
    const programs = { ...NO_PROGRAMS, modules: [other, file] };
    const loaded = await loadRenderer('dots', '2.0', programs);
    expect(loaded).toMatchObject({ name: 'dots', version: '2.0' });
    expect(await loaded.prepare({} as never)).toBe(null);
    await expect(loadRenderer('dots', '3.0', programs)).rejects.toThrow(/no dots 3.0; it has 1.0, 2.0$/);
  });
});

test('modules that are none are told with the reason, the others are described', async () => {
  const cases: [name: string, text: string, says: RegExp][] = [
    ['empty', 'export const other = 1;', /empty.mjs: renderer: the module must export an object `renderer`/],
    ['syntax', 'export const = 1;', /syntax.mjs: it does not load: /],
    ['throws', "throw new Error('no licence');", /throws.mjs: it does not load: no licence/],
    ['taken', renderer("name: 'blender'"), /renderer.name: a name of Guian's own \(gltf, .*\) is taken/],
    ['letters', renderer("name: 'My Dots'"), /renderer.name: a renderer has a name of a-z, 0-9 and -/],
    ['version', renderer('version: 3'), /version.mjs: renderer.version: /],
    ['open', renderer('open: undefined'), /renderer.open: it must be a function/],
    ['again', renderer(''), /again.mjs: dots 1.0 is taken/],
  ];
  const good = await moduleOf('good', renderer(''));
  const bad = await Promise.all(cases.map(([name, text]) => moduleOf(name, text)));
  const gone = join(folder, 'gone.mjs');
  const { renderers, usable, broken } = await describeModules([good, ...bad, gone]);
  expect(renderers).toEqual([{ name: 'dots', version: '1.0' }]);
  expect(usable).toEqual([good]);
  expect(broken.map(({ name }) => name)).toEqual([...bad, gone]);
  for (const [index, [, , says]] of cases.entries()) expect(broken[index]!.reason).toMatch(says);
  for (const { reason } of broken) expect(reason).not.toContain('\n');
});
