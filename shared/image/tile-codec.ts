/**
 * A rendered tile as bytes, for the bus: half floats (float32 where the layer says so), planar, bytes shuffled, delta,
 * zlib level 1. Equal pixels give equal bytes, so the SHA-256 that callers take of them identifies the pixels.
 *
 * Layout, little endian: magic `GTIL`, u8 version, u8 codec, u8 layer count, u8 zero, u32 width, u32 height; per layer
 * u8 name length and the name in ASCII; then the samples of all layers.
 * `none`: per layer `height × width × channels`, row-major. `zlib`: per layer, per channel, per byte of a sample (lowest
 * first) one plane of `width × height` bytes, each byte minus the one before it in the plane; all of it one zlib stream.
 */
import { constants, deflateSync, inflateSync } from 'node:zlib';
import { LAYERS, type LayerName, type LayerPixels, type LayerSpec } from '../domain/layers.js';
import { FarmError } from '../errors.js';
import { invariant } from '../invariant.js';
import { clampedHalfFromFloatBits, floatsToHalves } from './half.js';

export type TileCodec = 'zlib' | 'none';

/** Half bit patterns (`Uint16Array`) or float32, as the layer's `sampleType` says; row-major like `LayerPixels`. */
export interface LayerSamples {
  readonly name: LayerName;
  readonly data: Uint16Array | Float32Array;
}

export interface TileShape {
  readonly layers: readonly LayerName[];
  readonly widthPx: number;
  readonly heightPx: number;
}

const MAGIC = 0x4c49_5447; // "GTIL" read as a little-endian u32
const VERSION = 1;
const CODEC_BYTES: Readonly<Record<TileCodec, number>> = { none: 0, zlib: 1 };
const FIXED_HEADER_BYTES = 16;
/** Below it, starting zlib costs more (20 to 30 µs, measured) than the bytes that it saves. */
const PLAIN_BYTES_MAX = 4096;
/** One output buffer for nearly every tile; larger ones grow by it. */
const INFLATE_CHUNK_BYTES_MAX = 4 * 1024 * 1024;

/**
 * @param layers  scene-linear float32, each `height × width × channels` of its layer, row-major.
 * @param wantedCodec  default: what suits the tile's size, so that equal tiles still give equal bytes.
 * @returns  bytes in a buffer of their own (it may be transferred). In half layers finite values beyond ±65504 are
 *           clamped to it; infinities and NaN stay infinities and NaN, so that the receiver can find them.
 */
export function encodeTile(
  layers: readonly LayerPixels[],
  widthPx: number,
  heightPx: number,
  wantedCodec?: TileCodec,
): Uint8Array {
  const pixels = widthPx * heightPx;
  for (const layer of layers) {
    const samples = pixels * LAYERS[layer.name].channels.length;
    invariant(
      layer.data.length === samples,
      `layer ${layer.name} of a ${widthPx}x${heightPx} tile has ${layer.data.length} samples, not ${samples}`,
    );
  }
  const names = layers.map((layer) => layer.name);
  const raw = new Uint8Array(rawBytes(names, pixels));
  const codec = wantedCodec ?? (raw.length <= PLAIN_BYTES_MAX ? 'none' : 'zlib');
  const header = encodeHeader({ layers: names, widthPx, heightPx }, codec);
  let offset = 0;
  for (const layer of layers) {
    if (codec === 'none') offset = writePlain(layer, raw, offset);
    else offset = writePlanes(layer, pixels, raw, offset);
  }
  const body = codec === 'none' ? raw : deflateSync(raw, { level: 1, memLevel: 9 });
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header);
  bytes.set(body, header.length);
  return bytes;
}

/**
 * @param expected  what the plan says this tile must be; memory is bounded by it, whatever the bytes claim.
 * @returns  the layers in the expected order; halves stay halves. Values may be infinite or NaN: see `findNonFinite`.
 * @throws IMAGE_INVALID for anything that is not exactly such a tile.
 */
export function decodeTile(bytes: Uint8Array, expected: TileShape): { layers: LayerSamples[] } {
  const codec = checkHeader(bytes, expected);
  const pixels = expected.widthPx * expected.heightPx;
  const body = bytes.subarray(encodeHeader(expected, codec).length);
  const raw = codec === 'none' ? body : inflate(body, rawBytes(expected.layers, pixels));
  const wanted = rawBytes(expected.layers, pixels);
  if (raw.length !== wanted) throw invalid(`it holds ${raw.length} bytes of pixels instead of ${wanted}`);
  let offset = 0;
  const layers = expected.layers.map((name) => {
    const spec = LAYERS[name];
    const layerBytes = layerRawBytes(spec, pixels);
    const part = raw.subarray(offset, offset + layerBytes);
    offset += layerBytes;
    return { name, data: codec === 'none' ? readPlain(spec, part) : readPlanes(spec, pixels, part) };
  });
  return { layers };
}

function encodeHeader(shape: TileShape, codec: TileCodec): Buffer {
  const fixed = Buffer.alloc(FIXED_HEADER_BYTES);
  fixed.writeUInt32LE(MAGIC, 0);
  fixed.writeUInt8(VERSION, 4);
  fixed.writeUInt8(CODEC_BYTES[codec], 5);
  fixed.writeUInt8(shape.layers.length, 6);
  fixed.writeUInt32LE(shape.widthPx, 8);
  fixed.writeUInt32LE(shape.heightPx, 12);
  const names = shape.layers.map((name) =>
    Buffer.from(`${String.fromCharCode(name.length)}${name}`, 'latin1'),
  );
  return Buffer.concat([fixed, ...names]);
}

/** The header has no freedom but the codec: it is right when it is the one that we would have written. */
function checkHeader(bytes: Uint8Array, expected: TileShape): TileCodec {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < FIXED_HEADER_BYTES) throw invalid(`${view.length} bytes are too few for a header`);
  if (view.readUInt32LE(0) !== MAGIC) throw invalid('it does not start with GTIL');
  if (view.readUInt8(4) !== VERSION) throw invalid(`its version is ${view.readUInt8(4)}, not ${VERSION}`);
  const codec = (['none', 'zlib'] as const).find((name) => CODEC_BYTES[name] === view.readUInt8(5));
  if (codec === undefined) throw invalid(`its codec is ${view.readUInt8(5)}, not 0 (none) or 1 (zlib)`);
  const [widthPx, heightPx] = [view.readUInt32LE(8), view.readUInt32LE(12)];
  if (widthPx !== expected.widthPx || heightPx !== expected.heightPx) {
    throw invalid(`it is ${widthPx}x${heightPx} px instead of ${expected.widthPx}x${expected.heightPx}`);
  }
  const header = encodeHeader(expected, codec);
  if (Buffer.compare(view.subarray(0, header.length), header) !== 0) {
    throw invalid(`its layers are not ${expected.layers.join(', ')}`);
  }
  return codec;
}

function inflate(body: Uint8Array, wantedBytes: number): Uint8Array {
  let inflated: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    inflated = inflateSync(body, {
      maxOutputLength: wantedBytes,
      chunkSize: Math.min(Math.max(wantedBytes, 64), INFLATE_CHUNK_BYTES_MAX),
      finishFlush: constants.Z_FINISH,
      // With `info` Node also tells how much input was used (missing in its type declarations).
      info: true,
    } as Parameters<typeof inflateSync>[1]) as unknown as typeof inflated;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw invalid(`it unpacks to more than ${wantedBytes} bytes`, error);
    throw invalid(`its zlib stream is damaged or cut short (${code ?? 'unknown error'})`, error);
  }
  const rest = body.length - inflated.engine.bytesWritten;
  if (rest !== 0) throw invalid(`${rest} bytes follow its end`);
  return inflated.buffer;
}

function writePlain(layer: LayerPixels, raw: Uint8Array, offset: number): number {
  const spec = LAYERS[layer.name];
  const samples = spec.sampleType === 'half' ? floatsToHalves(layer.data) : layer.data;
  raw.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), offset);
  return offset + samples.byteLength;
}

function readPlain(spec: LayerSpec, part: Uint8Array): Uint16Array | Float32Array {
  // A copy: the source is seldom aligned, and the tile's bytes should be free to go.
  const own = new Uint8Array(part).buffer;
  return spec.sampleType === 'half' ? new Uint16Array(own) : new Float32Array(own);
}

/** Planar, shuffled and delta in one pass per channel, conversion to half included. */
function writePlanes(layer: LayerPixels, pixels: number, raw: Uint8Array, offset: number): number {
  const spec = LAYERS[layer.name];
  const channels = spec.channels.length;
  const bits = new Int32Array(layer.data.buffer, layer.data.byteOffset, layer.data.length);
  for (let channel = 0; channel < channels; channel++) {
    if (spec.sampleType === 'half') {
      writeHalfPlanes(bits, channel, channels, raw, offset, pixels);
      offset += 2 * pixels;
    } else {
      writeFloatPlanes(bits, channel, channels, raw, offset, pixels);
      offset += 4 * pixels;
    }
  }
  return offset;
}

function writeHalfPlanes(
  bits: Int32Array,
  channel: number,
  channels: number,
  raw: Uint8Array,
  offset: number,
  pixels: number,
): void {
  let previous = 0;
  for (let pixel = 0, from = channel; pixel < pixels; pixel++, from += channels) {
    const half = clampedHalfFromFloatBits(bits[from]!);
    // A Uint8Array keeps the low eight bits, so neither difference needs a mask.
    raw[offset + pixel] = half - previous;
    raw[offset + pixels + pixel] = (half >>> 8) - (previous >>> 8);
    previous = half;
  }
}

function writeFloatPlanes(
  bits: Int32Array,
  channel: number,
  channels: number,
  raw: Uint8Array,
  offset: number,
  pixels: number,
): void {
  let previous = 0;
  for (let pixel = 0, from = channel; pixel < pixels; pixel++, from += channels) {
    const value = bits[from]!;
    raw[offset + pixel] = value - previous;
    raw[offset + pixels + pixel] = (value >>> 8) - (previous >>> 8);
    raw[offset + 2 * pixels + pixel] = (value >>> 16) - (previous >>> 16);
    raw[offset + 3 * pixels + pixel] = (value >>> 24) - (previous >>> 24);
    previous = value;
  }
}

function readPlanes(spec: LayerSpec, pixels: number, raw: Uint8Array): Uint16Array | Float32Array {
  const channels = spec.channels.length;
  if (spec.sampleType === 'half') {
    const halves = new Uint16Array(pixels * channels);
    for (let channel = 0; channel < channels; channel++) {
      let [low, high, offset] = [0, 0, 2 * channel * pixels];
      for (let pixel = 0, to = channel; pixel < pixels; pixel++, offset++, to += channels) {
        low = (low + raw[offset]!) & 255;
        high = (high + raw[offset + pixels]!) & 255;
        halves[to] = low | (high << 8);
      }
    }
    return halves;
  }
  const floats = new Float32Array(pixels * channels);
  const bits = new Int32Array(floats.buffer);
  for (let channel = 0; channel < channels; channel++) {
    let [b0, b1, b2, b3, offset] = [0, 0, 0, 0, 4 * channel * pixels];
    for (let pixel = 0, to = channel; pixel < pixels; pixel++, offset++, to += channels) {
      b0 = (b0 + raw[offset]!) & 255;
      b1 = (b1 + raw[offset + pixels]!) & 255;
      b2 = (b2 + raw[offset + 2 * pixels]!) & 255;
      b3 = (b3 + raw[offset + 3 * pixels]!) & 255;
      bits[to] = b0 | (b1 << 8) | (b2 << 16) | (b3 << 24);
    }
  }
  return floats;
}

function layerRawBytes(spec: LayerSpec, pixels: number): number {
  return pixels * spec.channels.length * (spec.sampleType === 'half' ? 2 : 4);
}

function rawBytes(layers: readonly LayerName[], pixels: number): number {
  return layers.reduce((sum, name) => sum + layerRawBytes(LAYERS[name], pixels), 0);
}

function invalid(why: string, cause?: unknown): FarmError {
  return new FarmError(
    'IMAGE_INVALID',
    `not the tile that was planned: ${why}; render it again`,
    {},
    { cause },
  );
}
