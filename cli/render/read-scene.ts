/** A glTF scene file as one buffer. */
import { readFile, stat } from 'node:fs/promises';
import { FarmError } from '#shared/errors.js';

/** @throws SCENE_INVALID for a file that no buffer holds. */
export async function readScene(scene: string): Promise<Uint8Array> {
  const { size } = await stat(scene);
  // Beyond 2 GiB Node cannot read a file at once, and a GLB's own length field ends at 4 GiB.
  if (size > 2 ** 31 - 1) {
    throw new FarmError(
      'SCENE_INVALID',
      `scene ${scene}: ${size} bytes is more than the 2 GiB that one scene file may have; keep buffers and textures in files of their own (.gltf)`,
    );
  }
  return readFile(scene);
}
