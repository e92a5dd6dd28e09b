/** Encodes a display image with sharp. Masters never come here: sharp cannot carry linear float. */
import sharp, { type Sharp } from 'sharp';
import type { OutputFormat } from '#shared/domain/job.js';
import { type DisplayImage, onBlack, to8Bit } from './display.js';

export type DisplayFormat = Exclude<OutputFormat, 'exr'>;

/** Measured on render noise: levels above 2 take longer and save nothing (sharp's zlib-ng). */
const PNG_LEVEL = 2;
const JPEG_QUALITY = 92;
const WEBP_QUALITY = 90;

/** @returns the file's bytes: `png` and `tiff` with 16 bits per channel, the others with 8. */
export async function encodeDisplay(image: DisplayImage, format: DisplayFormat): Promise<Buffer> {
  switch (format) {
    case 'png':
      return raw16(image).png({ compressionLevel: PNG_LEVEL }).toBuffer();
    case 'tiff':
      return raw16(image).tiff({ compression: 'deflate', predictor: 'horizontal' }).toBuffer();
    case 'png8':
      return raw8(image).png({ compressionLevel: PNG_LEVEL }).toBuffer();
    case 'jpeg':
      return raw8(onBlack(image)).jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4' }).toBuffer();
    case 'webp':
      return raw8(image).webp({ quality: WEBP_QUALITY }).toBuffer();
    default: {
      const never: never = format;
      return never;
    }
  }
}

function raw16(image: DisplayImage): Sharp {
  const { widthPx: width, heightPx: height, channels } = image;
  // Without the colour space sharp writes 8 bits, silently.
  return sharp(image.data, { raw: { width, height, channels }, limitInputPixels: false }).toColourspace(
    'rgb16',
  );
}

function raw8(image: DisplayImage): Sharp {
  const { widthPx: width, heightPx: height, channels } = image;
  return sharp(to8Bit(image.data), { raw: { width, height, channels }, limitInputPixels: false });
}
