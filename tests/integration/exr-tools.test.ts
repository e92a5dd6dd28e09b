/** Our EXR files in other people's hands: Debian's `exrheader` and `oiiotool` read them, and we read oiiotool's. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparePictures } from '#cli/compare/compare-pictures.js';
import { readPicture } from '#cli/compare/read-picture.js';
import { writeFrameFile } from '#coordinator/frames/write-frame.js';
import { exrChannelName, LAYER_NAMES, LAYERS, type LayerName } from '#shared/domain/layers.js';
import { encodeExr } from '#shared/image/exr-encode.js';
import { floatFromHalf, floatsToHalves } from '#shared/image/half.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';

const [WIDTH_PX, HEIGHT_PX] = [21, 37];
const folder = mkdtempSync(join(tmpdir(), 'guian-exr-tools-'));
const at = (name: string) => join(folder, name);
const run = (tool: string, ...args: string[]) =>
  execFileSync(tool, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
const isThere = (tool: string) => spawnSync(tool, ['--help']).error === undefined;

beforeAll(() => {
  const tools = ['exrheader', 'oiiotool'];
  if (tools.every(isThere)) return;
  if (process.getuid?.() === 0 && isThere('apt-get')) {
    spawnSync('apt-get', ['install', '-y', 'openexr', 'openimageio-tools'], {
      stdio: 'ignore',
      timeout: 300_000,
    });
  }
  const missing = tools.filter((tool) => !isThere(tool));
  if (missing.length > 0) {
    throw new Error(
      `cannot check EXR files: ${missing.join(' and ')} not found; install with: apt-get install openexr openimageio-tools`,
    );
  }
}, 320_000);
afterAll(() => rmSync(folder, { recursive: true }));

function layersOf(names: readonly LayerName[]): LayerSamples[] {
  return names.map((name) => {
    const data = new Float32Array(WIDTH_PX * HEIGHT_PX * LAYERS[name].channels.length);
    // Between 2^-10 and 2^12, of both signs, no two neighbours alike.
    for (let index = 0; index < data.length; index++)
      data[index] = Math.sin(index * 1.7) * 2 ** ((index % 23) - 10);
    return { name, data: LAYERS[name].sampleType === 'half' ? floatsToHalves(data) : data };
  });
}

async function write(
  name: string,
  layers: readonly LayerSamples[],
  compression: 'zip' | 'none',
): Promise<string> {
  const metadata = { 'guian/jobId': 'hills-1' };
  const picture = { widthPx: WIDTH_PX, heightPx: HEIGHT_PX, layers, metadata };
  await writeFrameFile(at(name), encodeExr(picture, { compression }));
  return at(name);
}

describe('EXR tools', () => {
  it('exrheader sees channels, sample types, windows and attributes', async () => {
    const header = run('exrheader', await write('header.exr', layersOf(LAYER_NAMES), 'zip'));
    for (const name of LAYER_NAMES) {
      const bits = LAYERS[name].sampleType === 'half' ? 16 : 32;
      for (const channel of LAYERS[name].channels) {
        expect(header).toContain(
          `    ${exrChannelName(LAYERS[name], channel)}, ${bits}-bit floating-point, sampling 1 1`,
        );
      }
    }
    const window = `(0 0) - (${WIDTH_PX - 1} ${HEIGHT_PX - 1})`;
    expect(header).toContain(`dataWindow (type box2i): ${window}`);
    expect(header).toContain(`displayWindow (type box2i): ${window}`);
    expect(header).toMatch(/red +\(0\.64 0\.33\)/);
    expect(header).toContain('guian/jobId (type string): "hills-1"');
  });

  it.each(['zip', 'none'] as const)('oiiotool reads every value that we wrote (%s)', async (compression) => {
    const layers = layersOf(LAYER_NAMES);
    const path = await write(`values-${compression}.exr`, layers, compression);
    const names = /channel list: (.*)/.exec(run('oiiotool', '--info', '-v', path))![1]!;
    const order = names.split(', ').map((name) => name.replace(/ \(.*/, ''));
    const pixels = [...run('oiiotool', '--dumpdata', path).matchAll(/Pixel \((\d+), (\d+)\): (.*)/g)];
    expect(pixels).toHaveLength(WIDTH_PX * HEIGHT_PX);
    let wrong = 0;
    for (const [, x, y, text] of pixels) {
      const values = text!.trim().split(/\s+/).map(Number);
      for (const { name, data } of layers) {
        const { channels } = LAYERS[name];
        channels.forEach((channel, index) => {
          const sample = data[(Number(y) * WIDTH_PX + Number(x)) * channels.length + index]!;
          const ours = data instanceof Uint16Array ? floatFromHalf(sample) : sample;
          const theirs = values[order.indexOf(exrChannelName(LAYERS[name], channel))]!;
          // dumpdata prints nine decimals.
          if (!(Math.abs(ours - theirs) <= 1e-9 + 1e-7 * Math.abs(ours))) wrong++;
        });
      }
    }
    expect(wrong).toBe(0);
  });

  it.each(['none', 'zips', 'zip', 'piz', 'rle'])(
    'we read what oiiotool wrote with %s compression',
    async (compression) => {
      const path = await write('ours.exr', layersOf(['beauty']), 'zip');
      const theirs = at(`theirs-${compression}.exr`);
      run('oiiotool', path, '--compression', compression, '-o', theirs);
      const comparison = comparePictures(await readPicture(path), await readPicture(theirs), 'exact');
      expect(comparison).toMatchObject({ kind: 'measured', isSame: true });
    },
  );

  it('a data window that does not start at 0,0 keeps its place', async () => {
    const path = await write('whole.exr', layersOf(['beauty']), 'zip');
    run('oiiotool', path, '--cut', '8x6+5+9', '-o', at('cut.exr'));
    const picture = await readPicture(at('cut.exr'));
    expect([picture.widthPx, picture.heightPx]).toEqual([8, 6]);
    expect(comparePictures(await readPicture(path), picture, 0)).toMatchObject({ kind: 'unlike' });
  });
});
