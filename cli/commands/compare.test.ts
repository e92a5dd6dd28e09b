import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FarmError } from '#shared/errors.js';
import { encodeExr } from '#shared/image/exr-encode.js';
import { floatsToHalves } from '#shared/image/half.js';
import { compareCommand } from './compare.js';

const [WIDTH_PX, HEIGHT_PX] = [9, 5];
const folder = mkdtempSync(join(tmpdir(), 'guian-compare-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** As the program's main runs it: one line of output, or an error with a code that ends in exit code 2. */
async function compare(...args: string[]): Promise<Outcome> {
  let output = '';
  const write = process.stdout.write;
  process.stdout.write = ((text: string) => {
    output += text;
    return true;
  }) as typeof write;
  try {
    await compareCommand().exitOverride().parseAsync(args, { from: 'user' });
    return { exitCode: Number(process.exitCode ?? 0), output };
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { exitCode: 2, output: `${error.code}: ${error.message}` };
  } finally {
    process.stdout.write = write;
    process.exitCode = undefined;
  }
}

async function writePng(
  name: string,
  bits: 8 | 16,
  edit: (codes: Uint8Array | Uint16Array) => void,
  channels = 3,
) {
  const length = WIDTH_PX * HEIGHT_PX * channels;
  const codes = bits === 16 ? new Uint16Array(length) : new Uint8Array(length);
  codes.forEach((_, index) => {
    codes[index] = (index * 37) % (bits === 16 ? 60_000 : 240);
  });
  edit(codes);
  const image = sharp(codes, { raw: { width: WIDTH_PX, height: HEIGHT_PX, channels: channels as 3 | 4 } });
  if (bits === 16) image.toColourspace('rgb16');
  await image.png().toFile(at(name));
}

async function writeExr(name: string, edit: (values: Float32Array) => void, widthPx = WIDTH_PX) {
  const values = Float32Array.from({ length: widthPx * HEIGHT_PX * 4 }, (_, index) => index / 64);
  edit(values);
  const layers = [{ name: 'beauty' as const, data: floatsToHalves(values) }];
  const parts: Uint8Array[] = [];
  for await (const { bytes } of encodeExr({ widthPx, heightPx: HEIGHT_PX, layers })) parts.push(bytes);
  const [header, ...strips] = parts;
  const table = strips.pop()!;
  await writeFile(at(name), Buffer.concat([header!, table, ...strips]));
}

const nothing = () => {};
const ninth = (2 * WIDTH_PX + 4) * 3 + 1;

beforeAll(async () => {
  await writePng('a.png', 8, nothing);
  await writePng('a-again.png', 8, nothing);
  await writePng('one-code.png', 8, (codes) => {
    codes[ninth]! += 1;
  });
  await writePng('a16.png', 16, nothing);
  await writePng('a16-128.png', 16, (codes) => {
    codes[ninth]! += 128;
  });
  await writePng('a16-129.png', 16, (codes) => {
    codes[ninth]! += 129;
  });
  await writePng('rgba.png', 8, nothing, 4);
  await sharp(at('a.png')).resize(8, 5).png().toFile(at('smaller.png'));
  await writeExr('a.exr', nothing);
  await writeExr('bright.exr', (values) => {
    values[0] = 1000;
  });
  await writeExr('bright-1.exr', (values) => {
    values[0] = 1001;
  });
  await writeExr('nan.exr', (values) => {
    values[21] = Number.NaN;
  });
  await writeExr('wide.exr', nothing, WIDTH_PX + 1);
  await writeFile(at('garbage.exr'), Buffer.concat([(await readFile(at('a.exr'))).subarray(0, 200)]));
  await writeFile(at('garbage.png'), (await readFile(at('a.png'))).subarray(0, 60));
  const whole = await readFile(at('a.png'));
  await writeFile(at('half.png'), whole.subarray(0, whole.length / 2));
  await writeFile(at('text.png'), 'hello');
});

describe('guian compare', () => {
  it.each([
    ['a.png a-again.png', 0, /^same: .*9x5 px, channels R G B; error max 0, /],
    ['a.png a-again.png --exact', 0, /allowed nothing/],
    [
      'a.png one-code.png',
      1,
      /1 of 45 pixels \(2.22 %\) differ by more than 0.5\/255\n {2}first: pixel 4,2 channel G: /,
    ],
    ['a.png one-code.png --max-error 1/255', 0, /^same/],
    ['a.png one-code.png --max-error 0.004', 0, /^same/],
    ['a16.png a16-128.png', 0, /^same/],
    ['a16.png a16-129.png', 1, /worst: pixel 4,2 channel G/],
    ['a16.png a16-128.png --exact', 1, /differ by more than nothing/],
    ['a.png rgba.png', 1, /the channels differ: R G B and R G B A/],
    ['a.png smaller.png', 1, /the sizes differ: 9x5 and 8x5 px/],
    ['a.exr a.exr --exact', 0, /channels A B G R/],
    ['a.exr bright.exr', 1, /first: pixel 0,0 channel R: 0 and 1000 \(error 1\)/],
    ['bright.exr bright-1.exr', 0, /^same/],
    ['bright.exr bright-1.exr --max-error 1e-4', 1, /error 0.000999/],
    ['nan.exr nan.exr --exact', 0, /^same/],
    ['nan.exr nan.exr', 1, /pixel 5,0 channel G: NaN and NaN \(error Infinity\)/],
    ['a.exr nan.exr --exact', 1, /max Infinity/],
    ['a.exr wide.exr', 1, /sizes differ/],
    ['a.exr a.png', 2, /USAGE_INVALID: .*a\.exr is scene-linear and .*a\.png is made for a display/],
    ['a.exr missing.exr', 2, /IMAGE_INVALID: .*missing\.exr: there is no such file/],
    ['a.exr garbage.exr', 2, /IMAGE_INVALID: .*garbage\.exr: /],
    ['a.png garbage.png', 2, /IMAGE_INVALID: .*garbage\.png: /],
    ['a.png half.png', 2, /IMAGE_INVALID: .*half\.png: /],
    ['a.png text.png', 2, /IMAGE_INVALID: .*text\.png: /],
    ['a.png a.png --max-error lots', 2, /USAGE_INVALID: --max-error "lots"/],
    ['a.png a.png --max-error 1/0', 2, /USAGE_INVALID: --max-error "1\/0"/],
    ['a.png a.png --max-error 1 --exact', 2, /USAGE_INVALID: --exact and --max-error/],
    ['a.png one-code.png --diff d.jpg', 2, /USAGE_INVALID: --diff "d\.jpg": .*ends in \.png/],
  ])('%s: exit code %i', async (line, exitCode, output) => {
    const args = line.split(' ').map((word) => (/\.(png|exr)$/.test(word) ? at(word) : word));
    const outcome = await compare(...args);
    expect(outcome.output).toMatch(output);
    expect(outcome.exitCode).toBe(exitCode);
    if (exitCode === 2) expect(outcome.output.split('\n')).toHaveLength(1);
  });

  it('the picture of the differences is grey but for the pixels that differ', async () => {
    const diff = join(folder, 'not', 'there yet', 'diff.png');
    const { output } = await compare(at('a.png'), at('one-code.png'), '--diff', diff);
    expect(output).toContain(`picture of the differences: ${diff}`);
    const { data, info } = await sharp(diff).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height, info.channels]).toEqual([WIDTH_PX, HEIGHT_PX, 3]);
    const coloured = [];
    for (let pixel = 0; pixel < WIDTH_PX * HEIGHT_PX; pixel++) {
      const [r, g, b] = data.subarray(3 * pixel, 3 * pixel + 3);
      if (r !== g || g !== b) coloured.push(pixel);
    }
    expect(coloured).toEqual([2 * WIDTH_PX + 4]);
    const same = await compare(at('a.png'), at('a-again.png'), '--diff', at('same.png'));
    expect(same.exitCode).toBe(0);
    expect(same.output).not.toContain('picture of the differences');
  });

  it('what is not a file is refused at once', async () => {
    expect(await compare(at('a.png'), '/dev/zero')).toMatchObject({
      exitCode: 2,
      output: expect.stringContaining('it is not a file'),
    });
    expect(await compare(at('a.png'), folder)).toMatchObject({
      exitCode: 2,
      output: expect.stringContaining('it is not a file'),
    });
  });

  it('--json holds the numbers', async () => {
    const { output } = await compare(at('a.exr'), at('nan.exr'), '--json');
    expect(JSON.parse(output)).toMatchObject({
      isSame: false,
      widthPx: WIDTH_PX,
      differingPixelCount: 1,
      pixelCount: 45,
      maxError: 'Infinity',
      first: { x: 5, y: 0, channel: 'G', b: 'NaN' },
    });
    expect(JSON.parse((await compare(at('a.png'), at('rgba.png'), '--json')).output)).toMatchObject({
      isSame: false,
    });
  });
});
