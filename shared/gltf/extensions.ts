/** Which glTF extensions the `gltf` renderer understands; the rest is refused when required, ignored with a warning when not. */
import type { GLTF } from '@gltf-transform/core';
import { FarmError } from '../errors.js';

export const SUPPORTED_EXTENSIONS: ReadonlySet<string> = new Set([
  'KHR_lights_punctual',
  'KHR_materials_emissive_strength',
  'KHR_materials_unlit',
  'KHR_texture_transform',
  'KHR_mesh_quantization',
  'KHR_draco_mesh_compression',
  'EXT_meshopt_compression',
  'EXT_texture_webp',
]);

/**
 * @returns warnings, one line each.
 * @throws SCENE_UNSUPPORTED naming the required extensions that no node could render.
 */
export function checkExtensions(json: GLTF.IGLTF): readonly string[] {
  const unknown = (names: readonly unknown[] = []) =>
    [...new Set(names)]
      .filter((name) => !SUPPORTED_EXTENSIONS.has(String(name)))
      .map((name) => String(name).slice(0, 80));
  const required = unknown(json.extensionsRequired);
  if (required.length > 0) {
    throw new FarmError(
      'SCENE_UNSUPPORTED',
      `the scene requires ${required.slice(0, 5).join(', ')}, which the gltf renderer does not support; export it without, or with the extension optional (supported: ${[...SUPPORTED_EXTENSIONS].join(', ')})`,
      { extension: required[0] },
    );
  }
  return unknown(json.extensionsUsed)
    .slice(0, 20)
    .map(
      (name) =>
        `extension ${name} is not supported and is ignored; the picture may differ from other viewers`,
    );
}
