/**
 * Cuts an area out of the one kind of file that POV-Ray's runs end with: OpenEXR of half floats, as large as the frame,
 * whose pixels outside of the rendered area are black.
 */
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { decodeExrHeader, type ExrHeader } from '#shared/image/exr-decode.js';
import { HALF_MAX_BITS, halfToFloatTable } from '#shared/image/half.js';
import { exrBlocks } from './exr-lines.js';

const CHANNELS = ['R', 'G', 'B', 'A'] as const;
const EXPONENT_BITS = 0x7c00;
const MANTISSA_BITS = 0x03ff;
const SIGN_BIT = 0x8000;

/**
 * @returns  RGBA, premultiplied, scene-linear, `area height × area width × 4`; alpha is 1 where the file has none. Values
 *           beyond a half's range, which POV-Ray writes as infinite, become ±65504, as everywhere in the farm.
 * @throws RENDER_FAILED when the file is cut short, is no such file, or has a pixel that is not a number.
 */
export function readAreaExr(file: Buffer, widthPx: number, heightPx: number, area: Region): Float32Array {
  try {
    const header = decodeExrHeader(file);
    checkHeader(header, widthPx, heightPx);
    const data = new Float32Array(regionWidthPx(area) * regionHeightPx(area) * CHANNELS.length).fill(1);
    const places = CHANNELS.map((name) => placeOf(header, name));
    for (const { y, lines, halves } of exrBlocks(file, header, area.y0, area.y1)) {
      const end = Math.min(area.y1, y + lines);
      for (let line = Math.max(area.y0, y); line < end; line++) {
        const start = (line - y) * header.channels.length * widthPx;
        for (const [channel, place] of places.entries())
          if (place >= 0) copyLine(halves, start + place * widthPx, line, area, data, channel);
      }
    }
    return data;
  } catch (error) {
    throw new FarmError(
      'RENDER_FAILED',
      `the picture that POV-Ray wrote is of no use: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
}

function checkHeader(header: ExrHeader, widthPx: number, heightPx: number): void {
  const { xMin, yMin, xMax, yMax } = header.dataWindow;
  const [width, height] = [xMax - xMin + 1, yMax - yMin + 1];
  if (xMin !== 0 || yMin !== 0 || width !== widthPx || height !== heightPx)
    throw new Error(`it has ${width}x${height} px where ${widthPx}x${heightPx} were asked for`);
  if (header.compression !== 'zip') throw new Error(`it is packed by ${header.compression}, not by zip`);
  const other = header.channels.find(({ sampleType }) => sampleType !== 'half');
  if (other) throw new Error(`it has a channel ${JSON.stringify(other.name)} that is not of half floats`);
}

/** @returns -1 for the alpha of a file that has none. */
function placeOf(header: ExrHeader, name: string): number {
  const place = header.channels.findIndex((channel) => channel.name === name);
  if (place < 0 && name !== 'A') throw new Error(`it has no channel ${name}`);
  return place;
}

/** @param start  of the channel's line among the halves. */
function copyLine(
  halves: Uint16Array,
  start: number,
  line: number,
  area: Region,
  data: Float32Array,
  channel: number,
): void {
  const floats = halfToFloatTable();
  let to = (line - area.y0) * regionWidthPx(area) * CHANNELS.length + channel;
  for (let x = area.x0; x < area.x1; x++, to += CHANNELS.length) {
    let bits = halves[start + x]!;
    if ((bits & EXPONENT_BITS) === EXPONENT_BITS) {
      if ((bits & MANTISSA_BITS) !== 0)
        throw new Error(
          `it is not a number at pixel ${x},${line}: look for divisions by zero in the scene's functions`,
        );
      bits = (bits & SIGN_BIT) | HALF_MAX_BITS;
    }
    data[to] = floats[bits]!;
  }
}
