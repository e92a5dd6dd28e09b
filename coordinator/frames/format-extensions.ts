/** How files of a frame end; apart from the encoder, so that whoever looks for them does not load it. */
import type { OutputFormat } from '#shared/domain/job.js';

export const FORMAT_EXTENSIONS: Readonly<Record<OutputFormat, string>> = {
  exr: '.exr',
  png: '.png',
  png8: '.8.png',
  jpeg: '.jpg',
  webp: '.webp',
  tiff: '.tif',
};
