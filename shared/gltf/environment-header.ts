/** Reads what an environment file (.hdr, .exr) says about itself, without decoding a pixel: size checks come first. */
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';

export interface EnvironmentHeader {
  readonly format: 'hdr' | 'exr';
  readonly widthPx: number;
  readonly heightPx: number;
  /** Byte where pixels (.hdr) or the table of blocks (.exr) start. */
  readonly dataOffset: number;
  /** Scan lines per compressed block of an .exr; 1 for .hdr. */
  readonly linesPerBlock: number;
}

/** By the EXR's `compression`: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB. */
const LINES_PER_BLOCK = [1, 1, 1, 16, 32, 16, 32, 32, 32, 256];

/**
 * @param path  shown in messages.
 * @throws IMAGE_INVALID: another format, a broken header, a tiled, deep or multi-part EXR, or too many pixels.
 * Source: Radiance file formats (filefmts.pdf), OpenEXR file layout.
 */
export function environmentHeader(path: string, bytes: Uint8Array): EnvironmentHeader {
  const header = isExr(bytes) ? exrHeader(path, bytes) : hdrHeader(path, bytes);
  const { widthPx, heightPx } = header;
  if (!(widthPx >= 1 && heightPx >= 1)) throw invalid(path, `it is ${widthPx}×${heightPx} px`);
  if (widthPx * heightPx > LIMITS.environmentPixelsMax)
    throw invalid(
      path,
      `it is ${widthPx}×${heightPx} px; at most ${LIMITS.environmentPixelsMax} pixels are loaded`,
    );
  // Run lengths and compression aside, a file cannot hold a picture thousands of times its size.
  if (widthPx * heightPx > bytes.byteLength * 1024)
    throw invalid(path, `it says ${widthPx}×${heightPx} px but has only ${bytes.byteLength} bytes`);
  return header;
}

function isExr(bytes: Uint8Array): boolean {
  return bytes[0] === 0x76 && bytes[1] === 0x2f && bytes[2] === 0x31 && bytes[3] === 0x01;
}

function hdrHeader(path: string, bytes: Uint8Array): EnvironmentHeader {
  const text = new TextDecoder('latin1').decode(bytes.subarray(0, 8192));
  if (!text.startsWith('#?')) throw invalid(path, 'it is neither a Radiance .hdr nor an OpenEXR .exr file');
  const resolution = /\n-Y +(\d{1,9}) +\+X +(\d{1,9})\n/.exec(text);
  if (!resolution) throw invalid(path, 'its header has no "-Y height +X width" line');
  return {
    format: 'hdr',
    widthPx: Number(resolution[2]),
    heightPx: Number(resolution[1]),
    dataOffset: resolution.index + resolution[0].length,
    linesPerBlock: 1,
  };
}

function exrHeader(path: string, bytes: Uint8Array): EnvironmentHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = bytes.byteLength >= 8 ? view.getUint32(4, true) : 0;
  const TILED_DEEP_OR_MULTIPART = 0x200 | 0x800 | 0x1000;
  if (flags & TILED_DEEP_OR_MULTIPART)
    throw invalid(path, 'it is a tiled, deep or multi-part EXR; save it as a single-part scanline file');
  let size: readonly [widthPx: number, heightPx: number] | null = null;
  let linesPerBlock: number | undefined;
  let offset = 8;
  while (offset < bytes.byteLength && bytes[offset] !== 0) {
    const [name, typeAt] = cString(bytes, offset);
    const [type, sizeAt] = cString(bytes, typeAt);
    const valueAt = sizeAt + 4;
    if (valueAt > bytes.byteLength) break;
    const valueEnd = valueAt + view.getUint32(sizeAt, true);
    if (valueEnd > bytes.byteLength) break;
    if (name === 'dataWindow' && type === 'box2i' && valueEnd - valueAt === 16) {
      const corner = (at: number) => view.getInt32(valueAt + at, true);
      size = [corner(8) - corner(0) + 1, corner(12) - corner(4) + 1];
    } else if (name === 'compression' && type === 'compression')
      linesPerBlock = LINES_PER_BLOCK[bytes[valueAt]!];
    offset = valueEnd;
  }
  if (bytes[offset] !== 0 || !size || linesPerBlock === undefined)
    throw invalid(
      path,
      'its EXR header is truncated, or has no data window or a compression of another kind',
    );
  return { format: 'exr', widthPx: size[0], heightPx: size[1], dataOffset: offset + 1, linesPerBlock };
}

function cString(bytes: Uint8Array, offset: number): [text: string, next: number] {
  let end = offset;
  while (end < bytes.byteLength && end - offset < 256 && bytes[end] !== 0) end++;
  return [String.fromCharCode(...bytes.subarray(offset, end)), end + 1];
}

function invalid(path: string, why: string): FarmError {
  return new FarmError('IMAGE_INVALID', `environment ${path} cannot be used: ${why}`, { path });
}
