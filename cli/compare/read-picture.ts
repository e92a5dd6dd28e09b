/** Reads a picture for comparison, as planes of numbers: EXR by our own reader, display formats by sharp. */
import { readFile, stat } from 'node:fs/promises';
import { readExr } from 'hdrify';
import sharp from 'sharp';
import { FarmError, messageOf } from '#shared/errors.js';
import { decodeExr, decodeExrHeader, type ExrHeader } from '#shared/image/exr-decode.js';
import { EXR_MAGIC } from '#shared/image/exr-format.js';
import { halvesToFloats } from '#shared/image/half.js';
import { LIMITS } from '#shared/limits.js';

export interface Picture {
  readonly path: string;
  /** `scene`: linear values without bounds. `display`: 0 to 1, of 8- or 16-bit codes. */
  readonly kind: 'scene' | 'display';
  readonly widthPx: number;
  readonly heightPx: number;
  /** Top-left pixel of the data window; 0,0 but in some EXR files. */
  readonly x0: number;
  readonly y0: number;
  readonly channels: readonly { readonly name: string; readonly values: Float32Array | Uint32Array }[];
}

const FILE_BYTES_MAX = 2 ** 32;
/** A guard against headers that claim a huge picture; no compression of even a black one comes near. */
const PIXELS_PER_BYTE_MAX = 4096;
const DISPLAY_CHANNELS: Readonly<Record<number, readonly string[]>> = {
  1: ['Y'],
  2: ['Y', 'A'],
  3: ['R', 'G', 'B'],
  4: ['R', 'G', 'B', 'A'],
};

/** @throws IMAGE_INVALID with the path, whatever is wrong with the file. */
export async function readPicture(path: string): Promise<Picture> {
  const bytes = await readBytes(path);
  const isExr = bytes.length >= 4 && bytes.readInt32LE(0) === EXR_MAGIC;
  try {
    return isExr ? readExrPicture(path, bytes) : await readDisplayPicture(path, bytes);
  } catch (error) {
    throw unreadable(path, messageOf(error), error);
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    const info = await stat(path);
    // A device or a pipe may never end.
    if (!info.isFile()) throw new Error('it is not a file');
    const { size } = info;
    if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
    return await readFile(path);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw unreadable(path, isMissing ? 'there is no such file' : messageOf(error), error);
  }
}

function readExrPicture(path: string, bytes: Buffer): Picture {
  const header = decodeExrHeader(bytes);
  const { xMin, yMin, xMax, yMax } = header.dataWindow;
  const frame = { path, kind: 'scene' as const, x0: xMin, y0: yMin };
  const size = { widthPx: xMax - xMin + 1, heightPx: yMax - yMin + 1 };
  if (!['none', 'zip', 'zips'].includes(header.compression)) {
    return { ...frame, ...size, channels: readOtherExr(bytes, header, size.widthPx * size.heightPx) };
  }
  const channels = decodeExr(bytes).planes.map(({ name, data }) => ({
    name,
    values: data instanceof Uint16Array ? halvesToFloats(data) : data,
  }));
  return { ...frame, ...size, channels };
}

/** PIZ and others go through hdrify, which knows no other channels than R, G, B and A. */
function readOtherExr(bytes: Buffer, header: ExrHeader, pixels: number): Picture['channels'] {
  const unknown = header.channels.find(({ name }) => !['R', 'G', 'B', 'A'].includes(name));
  if (unknown) {
    throw new Error(
      `channel ${JSON.stringify(unknown.name)} cannot be read with ${header.compression} compression; save it with zip`,
    );
  }
  if (pixels > bytes.length * PIXELS_PER_BYTE_MAX)
    throw new Error(`${bytes.length} bytes are too few for ${pixels} px`);
  const image = readExr(new Uint8Array(bytes), { sanitize: false });
  if (image.width * image.height !== pixels)
    throw new Error(`it decodes to ${image.width}x${image.height} px`);
  return header.channels.map(({ name }) => {
    const values = new Float32Array(pixels);
    const channel = 'RGBA'.indexOf(name);
    for (let pixel = 0; pixel < pixels; pixel++) values[pixel] = image.data[4 * pixel + channel]!;
    return { name, values };
  });
}

async function readDisplayPicture(path: string, bytes: Buffer): Promise<Picture> {
  const image = sharp(bytes, { failOn: 'error', limitInputPixels: LIMITS.framePixelsMax });
  const { depth, channels: channelCount = 0 } = await image.metadata();
  // Without the right colour space libvips reduces 16 bits to 8.
  const is16Bit = depth !== 'uchar';
  if (is16Bit) image.toColourspace(channelCount <= 2 ? 'grey16' : 'rgb16');
  const { data, info } = await image
    .raw({ depth: is16Bit ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const names = DISPLAY_CHANNELS[info.channels];
  if (!names) throw new Error(`it has ${info.channels} channels; 1 to 4 can be compared`);
  const codes = is16Bit ? new Uint16Array(new Uint8Array(data).buffer) : data;
  return {
    path,
    kind: 'display',
    widthPx: info.width,
    heightPx: info.height,
    x0: 0,
    y0: 0,
    channels: names.map((name, channel) => ({
      name,
      values: planeOf(codes, channel, names.length, is16Bit ? 65_535 : 255),
    })),
  };
}

function planeOf(
  codes: Uint8Array | Uint16Array,
  channel: number,
  stride: number,
  codeMax: number,
): Float32Array {
  const values = new Float32Array(codes.length / stride);
  for (let pixel = 0, from = channel; pixel < values.length; pixel++, from += stride) {
    values[pixel] = codes[from]! / codeMax;
  }
  return values;
}

function unreadable(path: string, why: string, cause: unknown): FarmError {
  const line = why.replace(/\s+/g, ' ').trim();
  return new FarmError('IMAGE_INVALID', `cannot read the picture ${path}: ${line}`, { path }, { cause });
}
