/**
 * Checks that an environment file holds all of its pixels. The decoder leaves what a cut file lacks black without a
 * word, which would be a wrong picture instead of an error. Walks run lengths and block sizes, decodes nothing.
 */
import { FarmError } from '../errors.js';
import type { EnvironmentHeader } from './environment-header.js';

/** @throws IMAGE_INVALID when the file ends early. */
export function checkEnvironmentComplete(path: string, bytes: Uint8Array, header: EnvironmentHeader): void {
  const isComplete = header.format === 'hdr' ? isCompleteHdr(bytes, header) : isCompleteExr(bytes, header);
  if (!isComplete)
    throw new FarmError(
      'IMAGE_INVALID',
      `environment ${path} is cut short or damaged: not all of its ${header.heightPx} lines are there; copy it again`,
      { path },
    );
}

/** Source: Radiance, `color.c`, `freadcolrs`: four bytes of line header, then run lengths of each component. */
function isCompleteHdr(bytes: Uint8Array, { widthPx, heightPx, dataOffset }: EnvironmentHeader): boolean {
  let at = dataOffset;
  // The decoder skips blank lines here.
  while (bytes[at] === 0x0a) at++;
  const isRunLength = (o: number) => bytes[o] === 2 && bytes[o + 1] === 2 && bytes[o + 2]! < 128;
  // Flat and old run-length files: the decoder itself insists on the number of pixels.
  if (widthPx < 8 || widthPx > 0x7fff || !isRunLength(at)) return true;
  for (let line = 0; line < heightPx; line++) {
    if (at + 4 > bytes.length || !isRunLength(at)) return false;
    at += 4;
    for (let filled = 0; filled < widthPx * 4; ) {
      const count = bytes[at]!;
      const isRun = count > 128;
      const values = isRun ? count - 128 : count;
      at += isRun ? 2 : 1 + values;
      filled += values;
      if (values === 0 || at > bytes.length) return false;
    }
  }
  return true;
}

/** Source: OpenEXR file layout: a table of 8-byte offsets, each to line number, size and data of a block. */
function isCompleteExr(
  bytes: Uint8Array,
  { heightPx, dataOffset, linesPerBlock }: EnvironmentHeader,
): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = Math.ceil(heightPx / linesPerBlock);
  if (dataOffset + blocks * 8 > bytes.length) return false;
  for (let block = 0; block < blocks; block++) {
    const at = Number(view.getBigUint64(dataOffset + block * 8, true));
    if (at < dataOffset || at + 8 > bytes.length) return false;
    if (at + 8 + view.getUint32(at + 4, true) > bytes.length) return false;
  }
  return true;
}
