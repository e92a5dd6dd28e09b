/** KHR_lights_punctual: which node carries which light, and where that light is in a given pose. */
import type { Document } from '@gltf-transform/core';
import type { Light } from '@gltf-transform/extensions';
import type { SceneLight, Vec3 } from '../scene-description.js';

export interface NodeLight {
  /** place in the tree */
  readonly node: number;
  readonly light: Omit<SceneLight, 'position' | 'direction'>;
}

/** @returns lights of the scene in file order of their nodes. */
export function readLights(document: Document, tree: { readonly placeOf: Int32Array }): readonly NodeLight[] {
  const lights: NodeLight[] = [];
  for (const [index, node] of document.getRoot().listNodes().entries()) {
    const light = node.getExtension<Light>('KHR_lights_punctual');
    const place = tree.placeOf[index]!;
    if (!light || place < 0) continue;
    const range = light.getRange();
    lights.push({
      node: place,
      light: {
        kind: light.getType(),
        color: light.getColor(),
        intensity: light.getIntensity(),
        range: range !== null && range > 0 ? range : Number.POSITIVE_INFINITY,
        innerConeAngle: light.getInnerConeAngle(),
        outerConeAngle: light.getOuterConeAngle(),
      },
    });
  }
  return lights;
}

/** @param worlds  16 per node. A node's scale changes neither intensity nor range. */
export function placeLights(lights: readonly NodeLight[], worlds: Float64Array): readonly SceneLight[] {
  return lights.map(({ node, light }) => {
    const o = node * 16;
    const z: Vec3 = [worlds[o + 8]!, worlds[o + 9]!, worlds[o + 10]!];
    const length = Math.hypot(...z);
    const direction: Vec3 = length > 0 ? [-z[0] / length, -z[1] / length, -z[2] / length] : [0, 0, -1];
    return { ...light, position: [worlds[o + 12]!, worlds[o + 13]!, worlds[o + 14]!], direction };
  });
}
