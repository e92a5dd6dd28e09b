/** Reads an environment picture of a scene package into shared memory. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { decodeEnvironment } from '#shared/gltf/decode-environment.js';
import type { SceneEnvironment } from '../scene-description.js';

export type ImageEnvironment = Extract<SceneEnvironment, { kind: 'image' }>;

/**
 * @param path  package path below `folder`.
 * @throws SCENE_FILE_MISSING, IMAGE_INVALID.
 */
export async function loadEnvironment(folder: string, path: string): Promise<ImageEnvironment> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(folder, path));
  } catch (error) {
    throw new FarmError(
      'SCENE_FILE_MISSING',
      `environment ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); add it to the package`,
      { path },
      { cause: error },
    );
  }
  return { kind: 'image', ...decodeEnvironment(path, bytes) };
}
