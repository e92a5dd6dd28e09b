/** `guian inspect`, `submit` and `render` with studios' own scenes, read and rendered by the real Blender and POV-Ray. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type Farm, startFarm } from '#cli/farm/embedded-farm.js';
import { testBlender } from '#node-agent/renderers/blender/test-scenes.js';
import { testPovray } from '#node-agent/renderers/povray/test-scenes.js';
import { waitUntil } from '../support/wait-until.js';
import { guian, startGuian, testFolder } from './cli-program.js';
import { makeBlenderScenes, writePovrayScenes } from './cli-scenes.js';

/** Nobody listens there. */
const NO_FARM = { GUIAN_COORDINATOR: '127.0.0.1:1' };
const NO_PROGRAMS = { GUIAN_BLENDER: 'none', GUIAN_POVRAY: 'none' };
const scenes = mkdtempSync(join(tmpdir(), 'guian-cli-scenes-'));
const at = (name: string): string => join(scenes, name);
const folder = testFolder();
const blender = await testBlender();
const povray = await testPovray();
if (blender) makeBlenderScenes(scenes, blender.installation.executable);
writePovrayScenes(scenes);
let farm: Farm | undefined;
/** One farm for those that need one; its agent has the programs. */
const farmEnv = async (more: NodeJS.ProcessEnv = {}) => {
  farm ??= await startFarm({ slots: 1 });
  return { GUIAN_COORDINATOR: farm.coordinatorAddress, ...more };
};

afterEach(() => expect(readdirSync(folder.tmp)).toEqual([]));
afterAll(async () => {
  await farm?.stop();
  folder[Symbol.dispose]();
  rmSync(scenes, { recursive: true, force: true });
});

interface Inspected {
  readonly canSubmit: boolean;
  readonly root: string;
  readonly entry: string;
  readonly readBy: string;
  readonly obstacles: readonly { code: string; message: string }[];
  readonly files: readonly { path?: string; state: string; sizeBytes: number }[];
}

async function inspect(args: readonly string[], env: NodeJS.ProcessEnv = NO_FARM) {
  const { code, stdout, stderr } = await guian(['inspect', '--json', ...args], folder, env);
  expect(stderr).toBe('');
  const found = JSON.parse(stdout) as Inspected;
  return { code, found, files: found.files.map(({ path, state }) => `${state} ${path}`).sort() };
}

/** Mean of each channel where anything is seen, 0 to 255. */
async function colorOf(file: string): Promise<{ r: number; g: number; b: number }> {
  const { channels } = await sharp(join(folder.work, file)).stats();
  const [r, g, b] = channels.map(({ mean }) => mean);
  return { r: r!, g: g!, b: b! };
}

describe.runIf(blender)('Blender scenes', () => {
  const FAR = ['found shot/near.png', 'found textures/named.png', 'found textures/up.png'];

  test('what is in a file is told, with files above it and by absolute paths, and nothing is written', async () => {
    const { code, found, files } = await inspect([at('show/shot/far.blend')]);
    expect(code).toBe(0);
    expect(found).toMatchObject({
      ...{
        renderer: 'blender',
        frames: '1-3',
        fps: 24,
        widthPx: 48,
        heightPx: 32,
        samples: 2,
        savedWith: /^\d/,
      },
      ...{
        camera: 'Camera',
        scenes: ['Scene'],
        layers: ['beauty', 'depth'],
        canSubmit: true,
        readBy: 'program',
      },
      ...{ root: at('show'), entry: 'shot/far.blend', savedWith: expect.stringMatching(/^\d+\.\d+/) },
    });
    expect(files).toEqual(FAR);
  });

  test('Ctrl-C while Blender reads leaves nothing behind', async () => {
    const reading = startGuian(['inspect', at('show/shot/far.blend')], folder, NO_FARM);
    const isReading = () => readdirSync(folder.tmp).some((name) => name.startsWith('guian-inspect-'));
    await waitUntil(isReading, { timeoutMs: 60_000, describe: () => JSON.stringify(reading.output()) });
    reading.child.kill('SIGINT');
    expect(await reading.ended).toMatchObject({ code: 130, stdout: '' });
  });

  test('a linked library brings its own textures', async () => {
    const { code, found, files } = await inspect([at('show/shot/linked.blend')]);
    expect({ code, root: found.root }).toEqual({ code: 0, root: at('show') });
    expect(files).toEqual(['found library/wall.blend', 'found textures/up.png']);
  });

  test('missing files are named, and the scene is not submitted', async () => {
    const scene = at('show/shot/gone.blend');
    const text = await guian(['inspect', scene], folder, NO_FARM);
    expect(text.stdout).toMatch(/^missing +- +gone0\.png +image "image0"$/m);
    expect(text.stdout).toContain('✗ gone.blend: ');
    expect(text.code).toBe(1);
    const { code, stdout, stderr } = await guian(['submit', scene], folder, NO_FARM);
    expect(stderr).toMatch(
      /^guian: gone\.blend: gone0\.png .*gone4\.png .* and 2 more are missing.*--allow-missing\n$/m,
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('a root that is given is kept, and what lies outside of it is refused', async () => {
    const narrow = await inspect([at('show/shot/far.blend'), '--root', at('show/shot')]);
    expect(narrow.code).toBe(1);
    expect(narrow.found.obstacles).toEqual([
      { code: 'SCENE_PATH_ESCAPES', message: expect.stringContaining(at('show/textures/up.png')) },
    ]);
    const wide = await inspect([at('show/shot/far.blend'), '--root', scenes]);
    expect(wide.found).toMatchObject({ canSubmit: true, root: scenes, entry: 'show/shot/far.blend' });
  });

  test('without Blender the way out is told at once, and a scene that needs scripts is refused', async () => {
    const none = await guian(['render', at('show/shot/far.blend')], folder, NO_PROGRAMS);
    expect(none.stderr).toMatch(
      /^guian: Blender is not installed on this machine; .*apt-get install blender.*guian submit\n$/,
    );
    expect(none.code).toBe(2);
    const driven = await guian(['render', at('show/shot/driven.blend')], folder);
    expect(driven.stderr).toMatch(/^guian: driven\.blend needs driver of object "Wall".*--allow-scripts\n$/m);
    expect(driven.code).toBe(2);
  });

  test('a shot is rendered on this machine, with scripts where the user says so', async () => {
    const args = ['--frames', '2', '--tile', '16', '--format', 'exr,png', '--slots', '1', '--out', 'shot'];
    const far = await guian(['render', at('show/shot/far.blend'), ...args], folder);
    expect(far.stderr).toContain(`guian: notice: the package begins at ${at('show')}, since`);
    expect({ code: far.code, stdout: far.stdout }).toEqual({ code: 0, stdout: 'shot/far.0002.png\n' });
    expect(await sharp(join(folder.work, 'shot/far.0002.png')).metadata()).toMatchObject({
      width: 48,
      height: 32,
    });
    // Green, blue and both side by side on black; magenta would be red.
    const { r, g, b } = await colorOf('shot/far.0002.png');
    expect(Math.min(g, b) - r, JSON.stringify({ r, g, b })).toBeGreaterThan(5);
    const driven = await guian(['render', at('show/shot/driven.blend'), '--allow-scripts', ...args], folder);
    expect(driven.code, driven.stderr).toBe(0);
  });

  test('a client without Blender has a node read the scene, and submits it', async () => {
    const env = await farmEnv(NO_PROGRAMS);
    const far = await inspect([at('show/shot/far.blend')], env);
    expect(far.files).toEqual(FAR);
    expect(far.found).toMatchObject({
      canSubmit: true,
      readBy: 'node',
      root: at('show'),
      entry: 'shot/far.blend',
    });
    const linked = await inspect([at('show/shot/linked.blend'), '--on-farm'], await farmEnv());
    expect(linked.found).toMatchObject({ canSubmit: true, readBy: 'node', root: at('show') });
    expect(linked.files).toEqual(['found library/wall.blend', 'found textures/up.png']);
    const gone = await inspect([at('show/shot/gone.blend')], env);
    expect(gone.found).toMatchObject({ canSubmit: false, obstacles: [{ code: 'SCENE_FILE_MISSING' }] });
    const args = ['--frames', '1', '--out', 'on-farm', '--passes', 'beauty,depth'];
    const rendered = await guian(['render', at('show/shot/linked.blend'), ...args], folder, env);
    expect(rendered.code, rendered.stderr).toBe(0);
    const { r, b } = await colorOf('on-farm/linked.0001.png');
    expect(b - r).toBeGreaterThan(2);
  });

  test('a farm that lets no scripts run says so, and missing files can be insisted on', async () => {
    const env = await farmEnv();
    const driven = await guian(['submit', at('show/shot/driven.blend'), '--allow-scripts'], folder, env);
    expect(driven.stderr).toMatch(/scripts in scenes of studio "default" may not run on this farm/);
    expect(driven.code).toBe(2);
    const args = ['--allow-missing', '--frames', '1', '--wait'];
    const gone = await guian(['submit', at('show/shot/gone.blend'), ...args], folder, env);
    expect(gone.stderr).toContain('guian: notice: 7 of its files are not there');
    expect(gone.stdout).toMatch(/ended as finished\n$/);
    expect(gone.code).toBe(0);
  });
});

describe.runIf(povray)('POV-Ray scenes', () => {
  const GREEN = ['found shot/wall.inc', 'found textures/green.ppm'];

  test('includes and textures are found, and what is missing is named', async () => {
    const { code, found, files } = await inspect([at('pov/shot/green.pov')]);
    expect({ code, root: found.root, entry: found.entry }).toEqual({
      code: 0,
      root: at('pov'),
      entry: 'shot/green.pov',
    });
    expect(files).toEqual(GREEN);
    const gone = await guian(['submit', at('pov/shot/gone.pov')], folder, NO_FARM);
    expect(gone.stderr).toMatch(/^guian: gone\.pov: gone\.ppm .* is missing/m);
    expect(gone.code).toBe(2);
  });

  const scene = (text: string): string =>
    `#version 3.7;\nglobal_settings { assumed_gamma 1.0 }\ncamera { location <0,0,-4> look_at 0 }\n${text}\n`;
  const wall = (file: string): string => `plane { z,0 pigment { image_map { ppm ${file} } } }`;

  test("a stranger's scene gets no private file into its package, neither by its path nor by a link", async () => {
    for (const name of ['home/.ssh', 'home/dl']) mkdirSync(at(name), { recursive: true });
    writeFileSync(at('home/.ssh/id_rsa'), '"secret"\n');
    writeFileSync(at('home/.ssh/key.ppm'), 'P6\n1 1\n255\n...');
    symlinkSync('../.ssh/key.ppm', at('home/dl/link.ppm'));
    writeFileSync(at('home/dl/open.pov'), scene('#fopen F "../.ssh/id_rsa" read\n#read (F, A)\n#fclose F'));
    writeFileSync(at('home/dl/link.pov'), scene(wall('"link.ppm"')));
    for (const [name, secret] of [
      ['open.pov', '.ssh/id_rsa'],
      ['link.pov', 'dl/link.ppm'],
    ] as const) {
      for (const root of [[], ['--root', at('home')]]) {
        const { code, found, files } = await inspect([at(`home/dl/${name}`), ...root]);
        expect({ code, canSubmit: found.canSubmit, files }).toEqual({
          code: 1,
          canSubmit: false,
          files: ['outside undefined'],
        });
        expect(found.root).toBe(root[1] ?? at('home/dl'));
        expect(found.obstacles[0]).toMatchObject({
          code: 'SCENE_PATH_ESCAPES',
          message: expect.stringMatching(`${at(`home/${secret}`)} .*not sent, since hidden folders`),
        });
      }
    }
  });

  test("a node gets what the scene does not name from the scene's folder alone, unless a root is given", async () => {
    const env = await farmEnv();
    const built = at('pov/shot/built.pov');
    writeFileSync(built, scene(wall('concat("../textures/gre", "en", ".ppm")')));
    const narrow = await inspect([built, '--on-farm'], env);
    expect(narrow.found.obstacles).toEqual([
      {
        code: 'SCENE_PATH_ESCAPES',
        message: expect.stringMatching(`${at('pov/textures/green.ppm')} .*name a --root DIR`),
      },
    ]);
    expect(narrow).toMatchObject({ code: 1, found: { root: at('pov/shot') } });
    const wide = await inspect([built, '--on-farm', '--root', at('pov')], env);
    expect({ code: wide.code, files: wide.files }).toEqual({ code: 0, files: ['found textures/green.ppm'] });
  });

  test('a version that nobody has is refused with those that there are', async () => {
    const args = ['submit', at('pov/shot/green.pov'), '--renderer-version', '9.9.9'];
    const here = await guian(args, folder, NO_FARM);
    expect(here.stderr).toMatch(
      /^guian: --renderer-version "9\.9\.9": nobody here .*this machine has povray 3\.\S+; name .*no farm could be asked either/,
    );
    const there = await guian(args, folder, await farmEnv());
    expect(there.stderr).toMatch(
      /"9\.9\.9": nobody here .*the farm cannot read it either: no node has povray 9\.9\.9 .*povray 3\./,
    );
    expect([here.code, there.code]).toEqual([2, 2]);
  });

  test('what was submitted is told in a line beside the id, and more threads give up equal pixels', async () => {
    const env = await farmEnv();
    const args = ['submit', at('pov/shot/green.pov'), '--size', '48x32', '--samples', '1'];
    const { stdout, stderr } = await guian([...args, '--threads-per-slot', '2'], folder, env);
    expect(stderr).toContain('equal pixels on all nodes are promised for one thread per slot only');
    expect(stderr).toMatch(
      /^guian: shot\/green\.pov: 48x32 px, frames 0 \(1\), 1 sample, 3 files \(.*\), povray 3\.\S+$/m,
    );
    expect(stdout).toMatch(/^\S+\n$/);
    const shown = await guian(['job', 'show', stdout.trim()], folder, env);
    expect(shown.stdout).toMatch(/^Renderer: +povray 3\./m);
    const refused = await guian([...args, '--threads-per-slot', '2', '--verify', '50%'], folder, env);
    expect(refused).toMatchObject({
      ...{ code: 2, stdout: '' },
      stderr: expect.stringMatching(/^guian: --threads-per-slot "2": --verify compares/),
    });
  });

  test('a client without POV-Ray has a node read the scene and render it', async () => {
    const env = await farmEnv(NO_PROGRAMS);
    const { found, files } = await inspect([at('pov/shot/green.pov')], env);
    expect(found).toMatchObject({ canSubmit: true, readBy: 'node', root: at('pov') });
    expect(files).toEqual(GREEN);
    const args = ['--size', '48x32', '--samples', '1', '--out', 'pov'];
    const rendered = await guian(['render', at('pov/shot/green.pov'), ...args], folder, env);
    expect(rendered.code, rendered.stderr).toBe(0);
    const { r, g } = await colorOf('pov/green.0000.png');
    expect(g - r).toBeGreaterThan(2);
  });
});

test('a link beside a glTF scene that leads to a private file is not followed', async () => {
  for (const name of ['owner/.keys', 'owner/dl']) mkdirSync(at(name), { recursive: true });
  writeFileSync(at('owner/.keys/key'), 'key!');
  symlinkSync('../.keys/key', at('owner/dl/a.bin'));
  const json = { asset: { version: '2.0' }, buffers: [{ byteLength: 4, uri: 'a.bin' }] };
  writeFileSync(at('owner/dl/linked.gltf'), JSON.stringify(json));
  const { found, files } = await inspect([at('owner/dl/linked.gltf')]);
  expect({ files, obstacles: found.obstacles }).toEqual({
    files: ['outside undefined'],
    obstacles: [expect.objectContaining({ code: 'SCENE_PATH_ESCAPES' })],
  });
  const submitted = await guian(['submit', at('owner/dl/linked.gltf')], folder, NO_FARM);
  expect(submitted.stderr).toMatch(/^guian: linked\.gltf: .*"a\.bin".* is private/);
  expect(submitted.code).toBe(2);
});

test('a glTF scene tells its files, names and defaults, and what is missing', async () => {
  const json = {
    asset: { version: '2.0', generator: 'by hand' },
    scene: 0,
    scenes: [{ name: 'Main', nodes: [0] }],
    nodes: [{ name: 'Eye', camera: 0 }],
    cameras: [{ type: 'perspective', perspective: { yfov: 1, znear: 0.1 } }],
    buffers: [{ byteLength: 4, uri: 'gone.bin' }],
  };
  writeFileSync(at('gone.gltf'), JSON.stringify(json));
  const { buffers: _, ...whole } = json;
  writeFileSync(at('whole.gltf'), JSON.stringify(whole));
  const gone = await inspect([at('gone.gltf')]);
  expect(gone).toMatchObject({
    code: 1,
    files: ['missing gone.bin'],
    found: { cameras: ['Eye'], savedWith: 'by hand' },
  });
  const { code, found } = await inspect([at('whole.gltf')]);
  expect(found).toMatchObject({
    canSubmit: true,
    readBy: 'guian',
    scene: 'Main',
    widthPx: 1920,
    frames: '0',
  });
  expect(code).toBe(0);
});
