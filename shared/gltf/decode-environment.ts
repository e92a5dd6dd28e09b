/** Decodes an environment picture (.hdr, .exr): equirectangular, linear Rec. 709 radiance, in shared memory. */
import { convertFloat32ToLinearColorSpace, readExr, readHdr } from 'hdrify';
import { FarmError, messageOf } from '../errors.js';
import { checkEnvironmentComplete } from './environment-complete.js';
import { environmentHeader } from './environment-header.js';

export interface DecodedEnvironment {
  readonly widthPx: number;
  readonly heightPx: number;
  /** height × width × 3, over a SharedArrayBuffer; row 0 is straight up */
  readonly data: Float32Array;
}

/**
 * hdrify decodes a mantissa as (m + 0.5) ÷ 255; Radiance itself, and so every file's meaning, has ÷ 256.
 * Source: Radiance, `color.c`, `colr_color`.
 */
const HDR_SCALE = 255 / 256;

/**
 * @param path  shown in messages.
 * @throws IMAGE_INVALID.
 */
export function decodeEnvironment(path: string, bytes: Uint8Array): DecodedEnvironment {
  const header = environmentHeader(path, bytes);
  const { format, widthPx, heightPx } = header;
  checkEnvironmentComplete(path, bytes, header);
  try {
    const image = format === 'exr' ? readExr(bytes) : readHdr(bytes, { headerStrict: false });
    const rgba =
      image.linearColorSpace === 'linear-rec709'
        ? image.data
        : convertFloat32ToLinearColorSpace(
            image.data,
            widthPx,
            heightPx,
            image.linearColorSpace,
            'linear-rec709',
          );
    return { widthPx, heightPx, data: toSharedRgb(rgba, format === 'hdr' ? HDR_SCALE : 1) };
  } catch (error) {
    const reason = messageOf(error).replace(/\s+/g, ' ').slice(0, 160);
    throw new FarmError(
      'IMAGE_INVALID',
      `environment ${path} cannot be decoded: ${reason}; save it again as Radiance .hdr or scanline .exr`,
      { path },
      { cause: error },
    );
  }
}

/** Light is never negative and never infinite: what is not positive, or not a number, becomes black. */
function toSharedRgb(rgba: Float32Array, scale: number): Float32Array {
  const pixels = rgba.length / 4;
  const out = new Float32Array(new SharedArrayBuffer(pixels * 12));
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      const value = rgba[i * 4 + c]! * scale;
      out[i * 3 + c] = value > 0 ? Math.min(value, 3e38) : 0;
    }
  }
  return out;
}
