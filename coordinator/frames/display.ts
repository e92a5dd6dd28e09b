/**
 * From the frame's scene-linear half floats to what a monitor is sent: exposure, view transform, 16-bit integers.
 *
 * Alpha: a frame that is opaque everywhere gives RGB. Any other gives RGBA with straight (not premultiplied) alpha, as
 * PNG, TIFF and WebP want it: colours are divided by alpha before the view transform, which is not linear, so that an
 * edge keeps its colour. Where alpha is 0 the colour (pure glow) is taken as it is. Formats without alpha get `onBlack`.
 */
import { setImmediate } from 'node:timers/promises';
import type { View } from '#shared/domain/job.js';
import { LAYERS } from '#shared/domain/layers.js';
import { floatsToHalves, halfToFloatTable } from '#shared/image/half.js';
import type { LayerSamples } from '#shared/image/tile-codec.js';
import { invariant } from '#shared/invariant.js';
import { viewTransform } from './view-transform.js';

export interface DisplayImage {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly channels: 3 | 4;
  /** `height × width × channels`, row-major, 0 to 65535, display-encoded (sRGB); alpha is linear. */
  readonly data: Uint16Array;
}

const HALF_ONE = 0x3c00;
/** Then whoever shares the thread gets a turn: the EXR writer, which has compressors to feed. */
const ROWS_AT_A_TIME = 64;

/**
 * @param beauty  the `beauty` layer: RGBA halves, premultiplied, scene-linear Rec. 709.
 * @param exposureEv  stops; +1 doubles the light.
 * Cost: 20 to 50 MP/s per thread (measured), one row of float32 beside the result.
 */
export async function displayImage(
  beauty: LayerSamples,
  widthPx: number,
  heightPx: number,
  view: View,
  exposureEv: number,
): Promise<DisplayImage> {
  const halves = beauty.data;
  invariant(
    beauty.name === 'beauty' && halves instanceof Uint16Array,
    'a display image is made of RGBA halves',
  );
  invariant(
    halves.length === widthPx * heightPx * 4,
    `${halves.length} samples for ${widthPx}x${heightPx} px`,
  );
  const channels = isOpaque(halves) ? 3 : 4;
  const data = new Uint16Array(widthPx * heightPx * channels);
  const transform = viewTransform(view);
  const gain = 2 ** exposureEv;
  const rgb = new Float32Array(widthPx * 3);
  for (let y = 0; y < heightPx; y++) {
    const from = y * widthPx * 4;
    readRow(halves, from, rgb, widthPx, gain, channels === 4);
    transform.apply(rgb, widthPx);
    writeRow(rgb, halves, from, data, y * widthPx * channels, widthPx, channels);
    if (y % ROWS_AT_A_TIME === ROWS_AT_A_TIME - 1) await setImmediate();
  }
  return { widthPx, heightPx, channels, data };
}

/**
 * The layer to show: beauty, or of a frame without it the first layer as if it were an opaque beauty (one channel as
 * grey), so that every job can have a picture to look at.
 */
export function displayLayer(layers: readonly LayerSamples[]): LayerSamples {
  const beauty = layers.find((layer) => layer.name === 'beauty');
  if (beauty) return beauty;
  const { name, data } = layers[0]!;
  const channels = LAYERS[name].channels.length;
  const halves = data instanceof Uint16Array ? data : floatsToHalves(data);
  const rgba = new Uint16Array((halves.length / channels) * 4);
  for (let from = 0, to = 0; to < rgba.length; from += channels, to += 4) {
    rgba[to] = halves[from]!;
    rgba[to + 1] = halves[from + Math.min(1, channels - 1)]!;
    rgba[to + 2] = halves[from + Math.min(2, channels - 1)]!;
    rgba[to + 3] = HALF_ONE;
  }
  return { name: 'beauty', data: rgba };
}

/** The picture over black, without alpha; for formats that have none. The picture itself when it is opaque. */
export function onBlack(image: DisplayImage): DisplayImage {
  if (image.channels === 3) return image;
  const data = new Uint16Array(image.widthPx * image.heightPx * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    const alpha = image.data[from + 3]! / 65_535;
    for (let channel = 0; channel < 3; channel++) {
      data[to + channel] = image.data[from + channel]! * alpha + 0.5;
    }
  }
  return { ...image, channels: 3, data };
}

/** 16 → 8 bit, rounded to nearest (libvips cuts the low byte off instead, which darkens by half a code). */
export function to8Bit(data: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(data.length);
  for (let index = 0; index < data.length; index++) bytes[index] = (data[index]! * 255 + 32_767) / 65_535;
  return bytes;
}

function isOpaque(halves: Uint16Array): boolean {
  for (let index = 3; index < halves.length; index += 4) if (halves[index] !== HALF_ONE) return false;
  return true;
}

function readRow(
  halves: Uint16Array,
  start: number,
  rgb: Float32Array,
  pixels: number,
  gain: number,
  isPremultiplied: boolean,
): void {
  const table = halfToFloatTable();
  for (let pixel = 0, from = start, to = 0; pixel < pixels; pixel++, from += 4, to += 3) {
    let scale = gain;
    if (isPremultiplied) {
      const alpha = table[halves[from + 3]!]!;
      if (alpha > 0) scale /= alpha;
    }
    rgb[to] = table[halves[from]!]! * scale;
    rgb[to + 1] = table[halves[from + 1]!]! * scale;
    rgb[to + 2] = table[halves[from + 2]!]! * scale;
  }
}

function writeRow(
  rgb: Float32Array,
  halves: Uint16Array,
  start: number,
  data: Uint16Array,
  to: number,
  pixels: number,
  channels: 3 | 4,
): void {
  // Storing into a Uint16Array cuts the fraction off: adding a half rounds.
  if (channels === 3) {
    for (let index = 0; index < 3 * pixels; index++) data[to + index] = rgb[index]! * 65_535 + 0.5;
    return;
  }
  const table = halfToFloatTable();
  for (let pixel = 0, from = 0; pixel < pixels; pixel++, from += 3, to += 4) {
    data[to] = rgb[from]! * 65_535 + 0.5;
    data[to + 1] = rgb[from + 1]! * 65_535 + 0.5;
    data[to + 2] = rgb[from + 2]! * 65_535 + 0.5;
    const alpha = Math.min(1, Math.max(0, table[halves[start + 4 * pixel + 3]!]!));
    data[to + 3] = alpha * 65_535 + 0.5;
  }
}
