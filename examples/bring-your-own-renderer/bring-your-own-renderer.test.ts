/** The example does what its README says; that it keeps the farm's promises is tested in tests/conformance/module.test.ts. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadModule } from '#node-agent/renderers/load-module.js';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { guian, REPOSITORY, testFolder } from '#tests/integration/cli-program.js';
import { startAgentFarm } from '#tests/support/agent-farm.js';
import { makeSlot } from '#tests/support/session.js';
import { waitUntil } from '#tests/support/wait-until.js';

const FOLDER = join(REPOSITORY, 'examples', 'bring-your-own-renderer');
const MODULE = join(FOLDER, 'clay-renderer.mjs');
const settings = renderSettingsSchema.parse({ renderer: 'clay', widthPx: 64, heightPx: 64, samples: 1 });
const ball = { at: [0, 1, 0], radius: 1 };
const scene = { eye: [0, 1, 6], target: [0, 1, 0], balls: [ball] };

async function prepareScene(content: unknown, more: Partial<typeof settings> = {}) {
  await using slot = await makeSlot();
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  await writeFile(join(slot.scratchFolder, 'clay.json'), text);
  const renderer = await loadModule(MODULE);
  const local = { folder: slot.scratchFolder, entry: 'clay.json' };
  return await renderer.prepare({ scene: local, settings: { ...settings, ...more }, frame: 0 });
}

test("renders by the README's one command, into pictures", async () => {
  const readme = await readFile(join(FOLDER, 'README.md'), 'utf8');
  const [, line] = /^GUIAN_RENDERER_MODULES=\S+ \.\/guian (render .*)$/m.exec(readme) ?? [];
  using folder = testFolder();
  const args = line!.split(/\s+/).map((part) => part.replace(/^examples\//, `${REPOSITORY}examples/`));
  const small = [...args, '--frames', '0,12', '--size', '48x32', '--out', 'out'];
  const { code, stderr } = await guian(small, folder, { GUIAN_RENDERER_MODULES: MODULE });
  expect(code, stderr).toBe(0);
  const names = ['0000.exr', '0000.png', '0012.exr', '0012.png'].map((name) => `scene.${name}`);
  expect((await readdir(join(folder.work, 'out'))).sort()).toEqual(names);
});

test('a scene that is wrong fails on a node at the first try and for good, with its own words', async () => {
  await using farm = await startAgentFarm();
  const manifest = farm.blobs.add({ 'clay.json': JSON.stringify({ ...scene, balls: [] }) });
  const record = { ...farm.job(manifest, settings), rendererVersion: '1' };
  await farm.queue(record, 1, 64);
  await farm.startAgent({ programs: { rendererModules: [MODULE] } });
  await farm.assign('node-1', [record]);
  const results = await waitUntil(
    async () => {
      const all = await farm.results(record.jobId);
      return all.length > 0 ? all : undefined;
    },
    { describe: 'a result' },
  );
  expect(results.map(({ meta }) => meta.outcome)).toMatchObject([
    {
      ...{ kind: 'failed', code: 'SCENE_INVALID', permanent: true },
      message: 'clay.json: balls: []: it must be a list of 1 to 64',
    },
  ]);
});

describe('a scene', () => {
  test.each([
    ['no JSON', 'SCENE_INVALID', /^clay\.json is not JSON \(Unexpected token/],
    [[], 'SCENE_INVALID', /^clay\.json: scene: \[\]: it must be an object/],
    [
      { ...scene, eye: undefined },
      'SCENE_INVALID',
      /: eye: missing: it must be three numbers from -100 to 100/,
    ],
    [{ ...scene, zoom: '2' }, 'SCENE_INVALID', /: zoom: "2": it must be a number from 0\.1 to 20/],
    [
      { ...scene, ballz: [] },
      'SCENE_INVALID',
      /: ballz: \[\]: there is no such field; there are eye, target,/,
    ],
    [
      { ...scene, balls: [ball, { ...ball, radius: 0 }] },
      'SCENE_INVALID',
      /: balls\.1\.radius: 0: it must be/,
    ],
    [{ ...scene, balls: [{ ...ball, color: [0, 2, 0] }] }, 'SCENE_INVALID', /: balls\.0\.color: \[0,2,0\]: /],
    [{ ...scene, target: scene.eye }, 'SCENE_INVALID', /: target: \[0,1,6\]: it is where the eye is/],
    [' '.repeat(2 ** 20 + 1), 'SCENE_INVALID', /has 1048577 bytes; a clay scene has at most 1048576/],
  ] as const)('that is wrong is refused with the field and the value: %#', async (content, code, message) => {
    await expect(prepareScene(content)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  test('has the layers beauty, albedo, normal and depth, and says so', async () => {
    await expect(prepareScene(scene, { layers: ['beauty', 'mist'] })).rejects.toMatchObject({
      code: 'SCENE_UNSUPPORTED',
      message: 'clay has no layer "mist": ask for beauty, albedo, normal, depth',
    });
  });

  test('that gives little gets the rest', async () => {
    expect(await prepareScene(scene)).toMatchObject({
      zoom: 2.4,
      melt: 0.4,
      balls: [{ color: [0.8, 0.35, 0.2] }],
    });
  });
});

test('pixels are what they say: the ball in the middle faces the eye, five units away, and beside it is sky', async () => {
  const renderer = await loadModule(MODULE);
  await using slot = await makeSlot();
  const session = await renderer.open(slot);
  const wanted = renderSettingsSchema.parse({
    ...{ renderer: 'clay', widthPx: 33, heightPx: 23, samples: 16 },
    layers: ['beauty', 'normal', 'depth', 'albedo'],
  });
  // The middle row and the one above it, from the middle to the right edge.
  const region = { x0: 16, y0: 10, x1: 33, y1: 12 };
  const { layers } = await session.render(
    {
      ...{ scene: { folder: '', entry: '' }, settings: wanted, frame: 0, region },
      prepared: await prepareScene(scene),
    },
    { isCancelled: () => false, progress: () => undefined },
  );
  const [beauty, normal, depth, albedo] = layers.map(({ data }) => data);
  const [sky, middle] = [16, 17];
  expect(normal![3 * middle + 2]).toBeGreaterThan(0.98);
  expect(depth![middle]).toBeCloseTo(5, 2);
  expect(albedo![3 * middle]).toBeCloseTo(0.8, 5);
  expect(beauty![4 * middle + 3]).toBe(1);
  expect(beauty![4 * sky + 2]).toBeCloseTo(0.75 * 0.8, 1);
  expect([...normal!.subarray(3 * sky, 3 * sky + 3), depth![sky]]).toEqual([0, 0, 0, Math.fround(1e10)]);
});
