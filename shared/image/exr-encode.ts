/**
 * Writes a frame as an OpenEXR scanline file: one part, layers as channel names, half or float32, ZIP or uncompressed.
 * Bytes come out strip by strip, so a frame never exists a second time in memory; strips are compressed in the libuv
 * thread pool, several at once. The table of chunk offsets stands before the chunks and is known only after them: it
 * comes last, with its position.
 */
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { exrChannelName, LAYERS, type SampleType } from '../domain/layers.js';
import { invariant } from '../invariant.js';
import {
  EXR_COMPRESSIONS,
  EXR_FLAGS,
  EXR_LINES_PER_CHUNK,
  EXR_MAGIC,
  EXR_SAMPLE_BYTES,
  EXR_SAMPLE_TYPES,
  EXR_VERSION,
  REC709_CHROMATICITIES,
} from './exr-format.js';
import type { LayerSamples } from './tile-codec.js';

export interface ExrPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Scene-linear Rec. 709, premultiplied; each `height × width × channels`, row-major, in the layer's sample type. */
  readonly layers: readonly LayerSamples[];
  /** String attributes of the header; names of 1 to 255 characters of printable ASCII. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ExrOptions {
  readonly compression?: 'zip' | 'none';
}

/** Bytes and where in the file they belong. */
export interface PositionedBytes {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** Measured on render noise: level 6 takes three times as long for 1 % less, level 1 two thirds for 4 % more. */
const ZIP_LEVEL = 4;
/** libuv's pool has four threads by default; two more keep it fed while strips are handed over. */
const STRIPS_IN_FLIGHT = 6;
/** Uncompressed chunks are one line each; they are written in pieces of about this size. */
const PLAIN_STRIP_BYTES = 1024 * 1024;

const deflateAsync = promisify(deflate) as (
  bytes: Uint8Array,
  options: { level: number; chunkSize: number; memLevel: number },
) => Promise<Buffer>;

interface Plane {
  readonly name: string;
  readonly sampleType: SampleType;
  /** The layer's samples as integers, so that bit patterns pass untouched. */
  readonly bits: Uint16Array | Uint32Array;
  readonly first: number;
  readonly stride: number;
}

/**
 * @returns  the file's parts in the order in which they are to be written; the last one is the offset table, whose
 *           place is after the header. Positions leave no gap. Equal pictures give equal bytes for one zlib version.
 * Cost: 16 lines of memory per strip in flight, whatever the frame's size.
 */
export async function* encodeExr(
  picture: ExrPicture,
  options: ExrOptions = {},
): AsyncGenerator<PositionedBytes> {
  const compression = options.compression ?? 'zip';
  const planes = planesOf(picture);
  const header = encodeHeader(picture, planes, compression);
  const linesPerChunk = EXR_LINES_PER_CHUNK[compression];
  const chunkCount = Math.ceil(picture.heightPx / linesPerChunk);
  const offsets = new BigUint64Array(chunkCount);
  yield { position: 0, bytes: header };
  let position = header.length + offsets.byteLength;
  let chunk = 0;
  for await (const chunks of encodeStrips(picture, planes, compression)) {
    const start = position;
    for (const bytes of chunks) {
      offsets[chunk++] = BigInt(position);
      position += bytes.length;
    }
    yield { position: start, bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) };
  }
  invariant(chunk === chunkCount, `${chunk} of ${chunkCount} chunks written`);
  yield { position: header.length, bytes: new Uint8Array(offsets.buffer) };
}

/** Channels in the order that the format demands: by name, byte by byte. */
function planesOf(picture: ExrPicture): readonly Plane[] {
  const pixels = picture.widthPx * picture.heightPx;
  const planes = picture.layers.flatMap(({ name, data }): Plane[] => {
    const layer = LAYERS[name];
    const stride = layer.channels.length;
    invariant(data.length === pixels * stride, `layer ${name} has ${data.length} samples`);
    const isHalf = data instanceof Uint16Array;
    invariant(isHalf === (layer.sampleType === 'half'), `layer ${name} is not ${layer.sampleType}`);
    const bits = isHalf ? data : new Uint32Array(data.buffer, data.byteOffset, data.length);
    return layer.channels.map((channel, first) => ({
      name: exrChannelName(layer, channel),
      sampleType: layer.sampleType,
      bits,
      first,
      stride,
    }));
  });
  return planes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function encodeHeader(picture: ExrPicture, planes: readonly Plane[], compression: 'zip' | 'none'): Buffer {
  const metadata = Object.entries(picture.metadata ?? {});
  const names = [...planes.map((plane) => plane.name), ...metadata.map(([name]) => name)];
  const flags = names.some((name) => name.length > 31) ? EXR_FLAGS.longNames : 0;
  const window = ints(0, 0, picture.widthPx - 1, picture.heightPx - 1);
  const channels = planes.map((plane) =>
    Buffer.concat([text(plane.name), ints(EXR_SAMPLE_TYPES.indexOf(plane.sampleType), 0, 1, 1)]),
  );
  const attributes: [name: string, type: string, value: Buffer][] = [
    ['channels', 'chlist', Buffer.concat([...channels, Buffer.alloc(1)])],
    ['chromaticities', 'chromaticities', floats(...REC709_CHROMATICITIES)],
    ['compression', 'compression', Buffer.of(EXR_COMPRESSIONS.indexOf(compression))],
    ['dataWindow', 'box2i', window],
    ['displayWindow', 'box2i', window],
    ['lineOrder', 'lineOrder', Buffer.of(0)],
    ['pixelAspectRatio', 'float', floats(1)],
    ['screenWindowCenter', 'v2f', floats(0, 0)],
    ['screenWindowWidth', 'float', floats(1)],
  ];
  for (const [name, value] of metadata) {
    invariant(/^[\x21-\x7e]{1,255}$/.test(name), `"${name}" cannot name an EXR attribute`);
    invariant(!attributes.some(([taken]) => taken === name), `the EXR attribute ${name} is given twice`);
    attributes.push([name, 'string', Buffer.from(value, 'utf8')]);
  }
  const parts = attributes.flatMap(([name, type, value]) => [
    text(name),
    text(type),
    ints(value.length),
    value,
  ]);
  return Buffer.concat([ints(EXR_MAGIC, EXR_VERSION | flags), ...parts, Buffer.alloc(1)]);
}

/** Groups of finished chunks, top to bottom, at most `STRIPS_IN_FLIGHT` groups at work. */
async function* encodeStrips(
  picture: ExrPicture,
  planes: readonly Plane[],
  compression: 'zip' | 'none',
): AsyncGenerator<readonly Uint8Array[]> {
  const { widthPx, heightPx } = picture;
  const lineBytes = planes.reduce((sum, plane) => sum + widthPx * EXR_SAMPLE_BYTES[plane.sampleType], 0);
  if (compression === 'none') {
    const linesPerStrip = Math.max(1, Math.floor(PLAIN_STRIP_BYTES / lineBytes));
    for (let top = 0; top < heightPx; top += linesPerStrip) {
      const lines = Math.min(linesPerStrip, heightPx - top);
      yield Array.from({ length: lines }, (_, line) =>
        frameChunk(top + line, plainLines(planes, widthPx, top + line, 1, lineBytes)),
      );
    }
    return;
  }
  const pending: Promise<Uint8Array>[] = [];
  try {
    for (let top = 0; top < heightPx; top += EXR_LINES_PER_CHUNK.zip) {
      const lines = Math.min(EXR_LINES_PER_CHUNK.zip, heightPx - top);
      pending.push(zipChunk(planes, widthPx, top, lines, lineBytes));
      if (pending.length >= STRIPS_IN_FLIGHT) yield [await pending.shift()!];
    }
    while (pending.length > 0) yield [await pending.shift()!];
  } finally {
    // The reader stopped early (disk full): what is still being compressed ends by itself, and unheard.
    await Promise.allSettled(pending);
  }
}

async function zipChunk(
  planes: readonly Plane[],
  widthPx: number,
  top: number,
  lines: number,
  lineBytes: number,
): Promise<Uint8Array> {
  const predicted = predictedLines(planes, widthPx, top, lines, lineBytes);
  const chunkSize = Math.max(64, predicted.length);
  const packed = await deflateAsync(predicted, { level: ZIP_LEVEL, chunkSize, memLevel: 9 });
  // The format's rule: a chunk that would not shrink is stored as it is.
  if (packed.length < predicted.length) return frameChunk(top, packed);
  return frameChunk(top, plainLines(planes, widthPx, top, lines, lineBytes));
}

function frameChunk(top: number, data: Uint8Array): Uint8Array {
  return Buffer.concat([ints(top, data.length), data]);
}

/** Lines as they stand in an uncompressed chunk: line by line, channel by channel, little endian. */
function plainLines(
  planes: readonly Plane[],
  widthPx: number,
  top: number,
  lines: number,
  lineBytes: number,
): Uint8Array {
  const bytes = Buffer.allocUnsafe(lines * lineBytes);
  let to = 0;
  for (let line = top; line < top + lines; line++) {
    for (const { bits, first, stride, sampleType } of planes) {
      let from = line * widthPx * stride + first;
      for (let x = 0; x < widthPx; x++, from += stride) {
        const value = bits[from]!;
        bytes[to++] = value;
        bytes[to++] = value >>> 8;
        if (sampleType === 'float') {
          bytes[to++] = value >>> 16;
          bytes[to++] = value >>> 24;
        }
      }
    }
  }
  return bytes;
}

/**
 * The same lines after ZIP's two filters, in one pass: bytes at even places go to the first half of the buffer and
 * those at odd places to the second; then each byte is its difference to the one before it, plus 128.
 * Source: OpenEXR's `ImfZip.cpp`, as described in its "Technical introduction", ZIP compression.
 */
function predictedLines(
  planes: readonly Plane[],
  widthPx: number,
  top: number,
  lines: number,
  lineBytes: number,
): Uint8Array {
  const bytes = new Uint8Array(lines * lineBytes);
  const half = bytes.length / 2;
  const state: PredictorState = { to: 0, low: 128, high: 0 };
  for (let line = top; line < top + lines; line++) {
    for (const plane of planes) {
      const from = line * widthPx * plane.stride + plane.first;
      if (plane.sampleType === 'half') predictHalves(plane, from, widthPx, bytes, half, state);
      else predictFloats(plane, from, widthPx, bytes, half, state);
    }
  }
  // The first byte of the second half follows the last byte of the first half, known only now.
  bytes[half] = bytes[half]! - state.low;
  return bytes;
}

interface PredictorState {
  to: number;
  /** Even- and odd-placed byte before this one; more bits than eight do no harm, stores keep the low eight. */
  low: number;
  high: number;
}

function predictHalves(
  { bits, stride }: Plane,
  start: number,
  count: number,
  bytes: Uint8Array,
  half: number,
  state: PredictorState,
): void {
  let { to, low, high } = state;
  for (let x = 0, from = start; x < count; x++, from += stride, to++) {
    const value = bits[from]!;
    bytes[to] = value - low + 128;
    bytes[half + to] = (value >>> 8) - high + 128;
    low = value;
    high = value >>> 8;
  }
  state.to = to;
  state.low = low;
  state.high = high;
}

function predictFloats(
  { bits, stride }: Plane,
  start: number,
  count: number,
  bytes: Uint8Array,
  half: number,
  state: PredictorState,
): void {
  let { to, low, high } = state;
  for (let x = 0, from = start; x < count; x++, from += stride, to += 2) {
    const value = bits[from]!;
    bytes[to] = value - low + 128;
    bytes[half + to] = (value >>> 8) - high + 128;
    low = value >>> 16;
    high = value >>> 24;
    bytes[to + 1] = low - value + 128;
    bytes[half + to + 1] = high - (value >>> 8) + 128;
  }
  state.to = to;
  state.low = low;
  state.high = high;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1');
}

function ints(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeInt32LE(value, 4 * index);
  });
  return bytes;
}

function floats(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => {
    bytes.writeFloatLE(value, 4 * index);
  });
  return bytes;
}
