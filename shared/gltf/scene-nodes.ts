/** Which nodes a scene holds, parents before children. Iterative and cycle-safe: a hostile graph costs linear time. */
import type { GLTF } from '@gltf-transform/core';
import { FarmError } from '../errors.js';

/**
 * @returns node indices, depth first in file order.
 * @throws SCENE_INVALID on a node that is its own ancestor, has two parents, or does not exist.
 */
export function sceneNodes(json: GLTF.IGLTF, sceneIndex: number): readonly number[] {
  const nodes = json.nodes ?? [];
  const seen = new Uint8Array(nodes.length);
  const order: number[] = [];
  const stack = [...(json.scenes?.[sceneIndex]?.nodes ?? [])].reverse();
  while (stack.length > 0) {
    const index = stack.pop()!;
    const node = nodes[index];
    if (node === undefined)
      throw new FarmError(
        'SCENE_INVALID',
        `node ${index} does not exist; the file has ${nodes.length} nodes`,
      );
    if (seen[index])
      throw new FarmError(
        'SCENE_INVALID',
        `node ${index}${node.name ? ` "${node.name.slice(0, 60)}"` : ''} is reached twice (a cycle or two parents); nodes form a tree`,
      );
    seen[index] = 1;
    order.push(index);
    const children = node.children ?? [];
    for (let i = children.length - 1; i >= 0; i--) stack.push(children[i]!);
  }
  return order;
}
