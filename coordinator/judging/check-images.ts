/** Textures before anyone renders with them: kind, size and that they decode, in memory bounded by a few scanlines. */
import type { Document, Texture } from '@gltf-transform/core';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { FarmError, messageOf } from '#shared/errors.js';
import { imageKind } from '#shared/gltf/image-kind.js';
import { imageLabel } from '#shared/gltf/image-label.js';
import { LIMITS } from '#shared/limits.js';

/** The coordinator has other work; two decodes keep one libvips pipeline busy while the other reads. */
const CHECKS_AT_ONCE = 2;

/** @throws IMAGE_INVALID naming the image, what is wrong, and the limit. */
export async function checkImages(document: Document): Promise<void> {
  const limit = pLimit(CHECKS_AT_ONCE);
  const textures = document.getRoot().listTextures();
  await Promise.all(textures.map((texture, index) => limit(() => checkImage(texture, index))));
}

async function checkImage(texture: Texture, index: number): Promise<void> {
  const label = imageLabel(texture, index);
  const bytes = texture.getImage();
  if (!bytes || !imageKind(bytes))
    throw new FarmError('IMAGE_INVALID', `${label} is neither PNG, JPEG nor WebP; save it as one of them`);
  try {
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > LIMITS.texturePixelsMax)
      throw new FarmError(
        'IMAGE_INVALID',
        `${label} is ${width}×${height} px; at most ${LIMITS.texturePixelsMax} pixels are loaded, so scale it down`,
      );
    // Shrinking to one row by nearest neighbour streams through every scanline and keeps none.
    await sharp(bytes, { limitInputPixels: LIMITS.texturePixelsMax, sequentialRead: true, ignoreIcc: true })
      .resize({ width: 1, height: 1, fit: 'fill', kernel: 'nearest', fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
  } catch (error) {
    if (error instanceof FarmError) throw error;
    const reason = messageOf(error).replace(/\s+/g, ' ').slice(0, 160);
    throw new FarmError(
      'IMAGE_INVALID',
      `${label} cannot be decoded: ${reason}; save it again`,
      {},
      { cause: error },
    );
  }
}
