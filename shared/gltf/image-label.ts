/** How messages call an image: by index, and by the names that a user can look for. */
import type { Texture } from '@gltf-transform/core';

/** @returns for instance `image 3 "bark" (maps/bark.png)`. */
export function imageLabel(texture: Texture, index: number): string {
  const name = texture.getName().slice(0, 60);
  const uri = texture.getURI();
  // Images inside the scene file have no URI, or one that the reader made up for a data URI.
  const file = uri && !uri.startsWith('__') ? ` (${uri.slice(0, 120)})` : '';
  return `image ${index}${name ? ` "${name}"` : ''}${file}`.replace(/\s+/g, ' ');
}
