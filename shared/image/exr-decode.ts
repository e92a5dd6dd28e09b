/**
 * Reads OpenEXR scanline files of one part: uncompressed, ZIPS or ZIP, with half, float and uint channels. It is made
 * for files that anyone may hand us: each number in the file is checked before it is used, and memory is bounded by
 * the file's own size.
 */
import { inflateSync } from 'node:zlib';
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';
import {
  EXR_COMPRESSIONS,
  EXR_FLAGS,
  EXR_LINES_PER_CHUNK,
  EXR_MAGIC,
  EXR_SAMPLE_BYTES,
  EXR_SAMPLE_TYPES,
  EXR_VERSION,
  type ExrCompression,
  type ExrSampleType,
} from './exr-format.js';

/** Inclusive, as in the file. */
export interface ExrWindow {
  readonly xMin: number;
  readonly yMin: number;
  readonly xMax: number;
  readonly yMax: number;
}

export interface ExrChannel {
  readonly name: string;
  readonly sampleType: ExrSampleType;
}

export interface ExrHeader {
  readonly compression: ExrCompression;
  readonly dataWindow: ExrWindow;
  readonly displayWindow: ExrWindow;
  /** In file order, which is by name. */
  readonly channels: readonly ExrChannel[];
  /** String attributes. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the offset table starts. */
  readonly headerBytes: number;
}

export interface ExrPlane extends ExrChannel {
  /** One sample per pixel of the data window, row-major; a half is its bit pattern in a Uint16Array. */
  readonly data: Uint16Array | Float32Array | Uint32Array;
}

export interface ExrImage extends ExrHeader {
  /** Size of the data window. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly planes: readonly ExrPlane[];
}

const CHANNELS_MAX = 1024;
/** zlib cannot pack more than 1032 bytes into one; a file that claims more is a bomb. */
const ZLIB_RATIO_MAX = 1032;
const WINDOW_EDGE_MAX = 2 ** 24;
/** All planes together: 32 bytes for each pixel of the largest frame. */
const PLANES_BYTES_MAX = 32 * LIMITS.framePixelsMax;

/**
 * @param bytes  the whole file.
 * @throws IMAGE_INVALID saying what is wrong, and for kinds of file that it does not read (tiled, deep, multi-part, other
 *         compressions, subsampled channels) which kind it is.
 */
export function decodeExr(bytes: Uint8Array): ExrImage {
  const header = decodeExrHeader(bytes);
  const { compression, dataWindow } = header;
  if (compression !== 'none' && compression !== 'zip' && compression !== 'zips') {
    throw invalid(`${compression} compression is not read here, only none, zips and zip`);
  }
  const widthPx = dataWindow.xMax - dataWindow.xMin + 1;
  const heightPx = dataWindow.yMax - dataWindow.yMin + 1;
  const lineBytes = header.channels.reduce(
    (sum, { sampleType }) => sum + widthPx * EXR_SAMPLE_BYTES[sampleType],
    0,
  );
  const bytesMax = bytes.length * (compression === 'none' ? 1 : ZLIB_RATIO_MAX);
  if (lineBytes * heightPx > bytesMax) {
    throw invalid(
      `${widthPx}x${heightPx} px do not fit a file of ${bytes.length} bytes; it is cut short or a bomb`,
    );
  }
  if (lineBytes * heightPx > PLANES_BYTES_MAX) {
    throw invalid(
      `${header.channels.length} channels of ${widthPx}x${heightPx} px take more than ${PLANES_BYTES_MAX} bytes`,
    );
  }
  const planes = header.channels.map((channel) => ({
    ...channel,
    data: newSamples(channel.sampleType, widthPx * heightPx),
  }));
  const image = { ...header, widthPx, heightPx, planes };
  decodeChunks(bytes, image, lineBytes, EXR_LINES_PER_CHUNK[compression]);
  return image;
}

/** Only the header: cheap, and for every compression. @throws IMAGE_INVALID. */
export function decodeExrHeader(bytes: Uint8Array): ExrHeader {
  const reader = new Reader(bytes);
  if (bytes.length < 8 || reader.int() !== EXR_MAGIC)
    throw invalid('it does not start with the magic number of EXR');
  const version = reader.int();
  if ((version & 0xff) !== EXR_VERSION) throw invalid(`its version is ${version & 0xff}, not ${EXR_VERSION}`);
  for (const kind of ['tiled', 'deep', 'multiPart'] as const) {
    if (version & EXR_FLAGS[kind])
      throw invalid(`${kind} files are not read here, only scanline files of one part`);
  }
  const attributes = new Map<string, { type: string; value: Reader }>();
  for (let name = reader.text(255); name !== ''; name = reader.text(255)) {
    const type = reader.text(255);
    attributes.set(name, { type, value: reader.part(reader.int(), `attribute ${name}`) });
  }
  const attribute = (name: string, type: string): Reader => {
    const found = attributes.get(name);
    if (found?.type !== type) throw invalid(`its header has no ${name} of type ${type}`);
    return found.value;
  };
  const number = attribute('compression', 'compression').byte();
  const compression = EXR_COMPRESSIONS[number];
  if (compression === undefined) throw invalid(`its compression has the unknown number ${number}`);
  const metadata: Record<string, string> = {};
  for (const [name, { type, value }] of attributes) if (type === 'string') metadata[name] = value.rest();
  return {
    compression,
    dataWindow: checkedWindow('dataWindow', attribute('dataWindow', 'box2i')),
    displayWindow: checkedWindow('displayWindow', attribute('displayWindow', 'box2i')),
    channels: readChannels(attribute('channels', 'chlist')),
    metadata,
    headerBytes: reader.offset,
  };
}

function readChannels(reader: Reader): ExrChannel[] {
  const channels: ExrChannel[] = [];
  for (let name = reader.text(255); name !== ''; name = reader.text(255)) {
    const number = reader.int();
    const sampleType = EXR_SAMPLE_TYPES[number];
    if (sampleType === undefined)
      throw invalid(`channel ${printable(name)} has the unknown sample type ${number}`);
    reader.int();
    if (reader.int() !== 1 || reader.int() !== 1) {
      throw invalid(`channel ${printable(name)} is subsampled, which is not read here`);
    }
    if (channels.some((channel) => channel.name === name))
      throw invalid(`channel ${printable(name)} is there twice`);
    channels.push({ name, sampleType });
    if (channels.length > CHANNELS_MAX) throw invalid(`it has more than ${CHANNELS_MAX} channels`);
  }
  if (channels.length === 0) throw invalid('it has no channels');
  return channels;
}

function checkedWindow(name: string, reader: Reader): ExrWindow {
  const window = { xMin: reader.int(), yMin: reader.int(), xMax: reader.int(), yMax: reader.int() };
  const [widthPx, heightPx] = [window.xMax - window.xMin + 1, window.yMax - window.yMin + 1];
  const isSane = Object.values(window).every((edge) => Math.abs(edge) <= WINDOW_EDGE_MAX);
  if (!isSane || widthPx < 1 || heightPx < 1 || widthPx * heightPx > LIMITS.framePixelsMax) {
    throw invalid(
      `its ${name} is ${widthPx}x${heightPx} px; allowed are 1 to ${LIMITS.framePixelsMax} px in all`,
    );
  }
  return window;
}

function decodeChunks(bytes: Uint8Array, image: ExrImage, lineBytes: number, linesPerChunk: number): void {
  const chunkCount = Math.ceil(image.heightPx / linesPerChunk);
  const table = new Reader(bytes, image.headerBytes);
  const isDone = new Uint8Array(chunkCount);
  for (let index = 0; index < chunkCount; index++) {
    const offset = table.long();
    if (offset < image.headerBytes + 8 * chunkCount)
      throw invalid(`chunk ${index} is missing; the file is not complete`);
    const reader = new Reader(bytes, offset);
    const line = reader.int() - image.dataWindow.yMin;
    const chunk = line / linesPerChunk;
    if (!Number.isInteger(chunk) || chunk < 0 || chunk >= chunkCount || isDone[chunk]) {
      throw invalid(`chunk ${index} claims line ${line}`);
    }
    isDone[chunk] = 1;
    const lines = Math.min(linesPerChunk, image.heightPx - line);
    const packed = reader.part(reader.int(), `chunk ${index}`).bytes();
    const wanted = lines * lineBytes;
    if (packed.length > wanted)
      throw invalid(`chunk ${index} has ${packed.length} bytes instead of ${wanted}`);
    const isPlain = packed.length === wanted;
    const plain = isPlain ? packed : unfilter(inflateChunk(packed, wanted, image.compression, index));
    copyLines(plain, image, line, lines);
  }
}

function inflateChunk(
  packed: Uint8Array,
  wanted: number,
  compression: ExrCompression,
  index: number,
): Uint8Array {
  if (compression === 'none') throw invalid(`chunk ${index} has ${packed.length} bytes instead of ${wanted}`);
  let plain: Uint8Array;
  try {
    plain = inflateSync(packed, { maxOutputLength: wanted, chunkSize: Math.max(64, wanted) });
  } catch (error) {
    throw invalid(
      `chunk ${index} does not unpack (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      error,
    );
  }
  if (plain.length !== wanted)
    throw invalid(`chunk ${index} unpacks to ${plain.length} bytes instead of ${wanted}`);
  return plain;
}

/** Undoes ZIP's differences and its split into even- and odd-placed bytes. */
function unfilter(filtered: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(filtered.length);
  const half = (filtered.length + 1) >>> 1;
  let value = 128;
  for (let from = 0, to = 0; from < half; from++, to += 2) {
    value = (value + filtered[from]! - 128) & 255;
    bytes[to] = value;
  }
  for (let from = half, to = 1; from < filtered.length; from++, to += 2) {
    value = (value + filtered[from]! - 128) & 255;
    bytes[to] = value;
  }
  return bytes;
}

function copyLines(plain: Uint8Array, image: ExrImage, line: number, lines: number): void {
  let offset = 0;
  for (let y = line; y < line + lines; y++) {
    for (const { data } of image.planes) {
      const lineBytes = image.widthPx * data.BYTES_PER_ELEMENT;
      // Little endian in the file and on every machine that Node runs on.
      const target = new Uint8Array(data.buffer, data.byteOffset + y * lineBytes, lineBytes);
      target.set(plain.subarray(offset, offset + lineBytes));
      offset += lineBytes;
    }
  }
}

function newSamples(sampleType: ExrSampleType, count: number): ExrPlane['data'] {
  if (sampleType === 'half') return new Uint16Array(count);
  return sampleType === 'float' ? new Float32Array(count) : new Uint32Array(count);
}

/** Walks over the file; every step is checked against its end. */
class Reader {
  offset: number;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.offset = offset;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  int(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  long(): number {
    return Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  }

  /** Up to the next zero byte. */
  text(charsMax: number): string {
    const end = this.#bytes.indexOf(0, this.offset);
    if (end < 0 || end - this.offset > charsMax)
      throw invalid(`no name of at most ${charsMax} characters at byte ${this.offset}`);
    return this.#bytes.toString('latin1', this.#take(end - this.offset + 1), end);
  }

  part(length: number, what: string): Reader {
    if (length < 0) throw invalid(`${printable(what)} has the length ${length}`);
    const start = this.#take(length);
    return new Reader(this.#bytes.subarray(start, start + length));
  }

  bytes(): Uint8Array {
    return this.#bytes;
  }

  rest(): string {
    return this.#bytes.toString('utf8', this.offset);
  }

  #take(length: number): number {
    const start = this.offset;
    if (start + length > this.#bytes.length)
      throw invalid(`it ends at byte ${this.#bytes.length}, too early`);
    this.offset = start + length;
    return start;
  }
}

/** Names from a file may hold anything; a message is one line of plain text. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function invalid(why: string, cause?: unknown): FarmError {
  return new FarmError('IMAGE_INVALID', `not an EXR file that can be read: ${why}`, {}, { cause });
}
