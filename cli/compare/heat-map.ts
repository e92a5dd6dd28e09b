/**
 * A picture of where two pictures differ: the first one dim and grey, and over it each pixel beyond the tolerance in a
 * colour that tells by how much, from blue (just beyond) over red and yellow to white (256 times the tolerance).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { FarmError, messageOf } from '#shared/errors.js';
import type { Picture } from './read-picture.js';

const RAMP = [
  [40, 70, 255],
  [255, 20, 60],
  [255, 230, 0],
  [255, 255, 255],
] as const;
const RAMP_STOPS = 8;
/** Where nothing may differ, the ramp starts at one 16-bit code. */
const SMALLEST_STEP = 1 / 65_535;
const BACKGROUND_GAIN = 0.35;

/** Makes the folder too: a pipeline names one that does not exist before the first difference. @throws FILE_UNWRITABLE */
export async function writeHeatMap(
  path: string,
  background: Picture,
  pixelErrors: Float32Array,
  maxError: number,
): Promise<void> {
  const { widthPx: width, heightPx: height } = background;
  const pixels = heatMap(background, pixelErrors, maxError);
  const png = await sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .png()
    .toBuffer();
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, png);
  } catch (error) {
    const message = `cannot write the difference picture ${path}: ${messageOf(error)}`;
    throw new FarmError('FILE_UNWRITABLE', message, { path }, { cause: error });
  }
}

/** @returns `height × width × 3` bytes, sRGB. */
export function heatMap(background: Picture, pixelErrors: Float32Array, maxError: number): Uint8Array {
  const bytes = new Uint8Array(pixelErrors.length * 3);
  const colours = background.channels.filter(({ name }) => ['R', 'G', 'B', 'Y'].includes(name));
  const shown = colours.length > 0 ? colours : background.channels.slice(0, 1);
  for (let pixel = 0; pixel < pixelErrors.length; pixel++) {
    const error = pixelErrors[pixel]!;
    if (error > maxError) bytes.set(rampColour(error / Math.max(maxError, SMALLEST_STEP)), 3 * pixel);
    else bytes.fill(greyOf(shown, pixel, background.kind), 3 * pixel, 3 * pixel + 3);
  }
  return bytes;
}

function greyOf(channels: Picture['channels'], pixel: number, kind: Picture['kind']): number {
  let sum = 0;
  for (const { values } of channels) sum += values[pixel]!;
  const mean = Math.min(1, Math.max(0, sum / channels.length)) || 0;
  return 255 * BACKGROUND_GAIN * (kind === 'scene' ? mean ** (1 / 2.2) : mean);
}

function rampColour(ratio: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, Math.log2(ratio) / RAMP_STOPS)) * (RAMP.length - 1);
  const step = Math.min(RAMP.length - 2, Math.floor(place));
  const mix = (channel: 0 | 1 | 2): number => {
    const [from, to] = [RAMP[step]![channel], RAMP[step + 1]![channel]];
    return Math.round(from + (to - from) * (place - step));
  };
  return [mix(0), mix(1), mix(2)];
}
