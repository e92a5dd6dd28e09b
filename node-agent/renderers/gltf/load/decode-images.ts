/** Decodes the textures that materials in use refer to, once per scene, into shared memory. */
import type { Texture } from '@gltf-transform/core';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { FarmError, messageOf } from '#shared/errors.js';
import { imageKind } from '#shared/gltf/image-kind.js';
import { imageLabel } from '#shared/gltf/image-label.js';
import { LIMITS } from '#shared/limits.js';
import type { SceneImage, SceneMaterial, SceneTexture } from '../scene-description.js';

/** Decoded pictures in flight, so that a scene of many 8K textures does not hold them all twice. */
const DECODES_AT_ONCE = 4;

const SLOTS = ['baseColorTexture', 'metallicRoughnessTexture', 'normalTexture', 'emissiveTexture'] as const;

/**
 * @param textures   what `SceneTexture.image` counts so far.
 * @param used       indices of materials in use.
 * @returns the images in use, and the materials pointing at them; materials out of use lose their textures.
 * @throws IMAGE_INVALID.
 */
export async function decodeImages(
  textures: readonly Texture[],
  materials: readonly SceneMaterial[],
  used: ReadonlySet<number>,
): Promise<{ readonly images: readonly SceneImage[]; readonly materials: readonly SceneMaterial[] }> {
  const placeOf = new Map<number, number>();
  const place = (texture: SceneTexture | null): SceneTexture | null => {
    if (!texture) return null;
    if (!placeOf.has(texture.image)) placeOf.set(texture.image, placeOf.size);
    return { ...texture, image: placeOf.get(texture.image)! };
  };
  const placed = materials.map((material, index) => {
    const entries = SLOTS.map((slot) => [slot, used.has(index) ? place(material[slot]) : null]);
    return { ...material, ...Object.fromEntries(entries) } as SceneMaterial;
  });
  const limit = pLimit(DECODES_AT_ONCE);
  const images = await Promise.all(
    [...placeOf.keys()].map((index) => limit(() => decodeImage(textures[index]!, index))),
  );
  return { images, materials: placed };
}

async function decodeImage(texture: Texture, index: number): Promise<SceneImage> {
  const bytes = texture.getImage();
  const label = imageLabel(texture, index);
  if (!bytes || !imageKind(bytes))
    throw new FarmError('IMAGE_INVALID', `${label} is neither PNG, JPEG nor WebP; save it as one of them`);
  try {
    // glTF: embedded colour profiles are ignored, and so is EXIF orientation (sharp's default).
    const { data, info } = await sharp(bytes, { limitInputPixels: LIMITS.texturePixelsMax, ignoreIcc: true })
      .toColourspace('srgb')
      .ensureAlpha()
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const shared = new Uint8Array(new SharedArrayBuffer(data.byteLength));
    shared.set(data);
    return { widthPx: info.width, heightPx: info.height, data: shared };
  } catch (error) {
    const reason = messageOf(error).replace(/\s+/g, ' ').slice(0, 160);
    throw new FarmError(
      'IMAGE_INVALID',
      `${label} cannot be decoded: ${reason}; save it again`,
      {},
      { cause: error },
    );
  }
}
