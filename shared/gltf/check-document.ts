/**
 * Checks decoded vertex data: the validator cannot look inside Draco or meshopt data, and a node must never trace a
 * triangle whose vertices do not exist. One pass over indices and positions.
 */
import type { Accessor, Document, Primitive } from '@gltf-transform/core';
import { FarmError } from '../errors.js';

/** @throws SCENE_INVALID naming mesh, primitive and attribute. */
export function checkDocument(document: Document): void {
  for (const [meshIndex, mesh] of document.getRoot().listMeshes().entries()) {
    for (const [primitiveIndex, primitive] of mesh.listPrimitives().entries()) {
      const where = `mesh ${meshIndex}${mesh.getName() ? ` "${mesh.getName().slice(0, 60)}"` : ''}, primitive ${primitiveIndex}`;
      checkPrimitive(primitive, where);
    }
  }
  checkJoints(document);
}

function checkPrimitive(primitive: Primitive, where: string): void {
  const position = primitive.getAttribute('POSITION');
  if (!position) return; // Legal: nothing is drawn.
  const count = position.getCount();
  const checkAttributes = (
    holder: { listSemantics(): string[]; getAttribute(name: string): Accessor | null },
    of: string,
  ) => {
    for (const semantic of holder.listSemantics()) {
      const accessor = holder.getAttribute(semantic)!;
      const array = accessor.getArray();
      if (!array) throw invalid(where, `${semantic}${of} has no data`);
      if (array.length !== count * accessor.getElementSize())
        throw invalid(
          where,
          `${semantic}${of} has ${array.length / accessor.getElementSize()} elements for ${count} positions`,
        );
      if (array instanceof Float32Array) {
        const bad = firstNotFinite(array);
        if (bad >= 0)
          throw invalid(
            where,
            `${semantic}${of} of vertex ${Math.floor(bad / accessor.getElementSize())} is ${array[bad]}`,
          );
      }
    }
  };
  checkAttributes(primitive, '');
  for (const [index, target] of primitive.listTargets().entries())
    checkAttributes(target, ` of morph target ${index}`);

  const indices = primitive.getIndices()?.getArray();
  if (!indices) return;
  for (let i = 0; i < indices.length; i++) {
    // Also true for NaN, which a float index accessor could bring.
    if (!(indices[i]! < count))
      throw invalid(where, `index ${i} is ${indices[i]}, but there are only ${count} vertices`);
  }
}

function checkJoints(document: Document): void {
  for (const [nodeIndex, node] of document.getRoot().listNodes().entries()) {
    const jointCount = node.getSkin()?.listJoints().length;
    const mesh = node.getMesh();
    if (jointCount === undefined || !mesh) continue;
    for (const primitive of mesh.listPrimitives()) {
      for (let set = 0; ; set++) {
        const joints = primitive.getAttribute(`JOINTS_${set}`)?.getArray();
        if (!joints) break;
        for (let i = 0; i < joints.length; i++) {
          if (!(joints[i]! < jointCount))
            throw invalid(
              `node ${nodeIndex}`,
              `JOINTS_${set} names joint ${joints[i]} of a skin with ${jointCount} joints`,
            );
        }
      }
    }
  }
}

function firstNotFinite(array: Float32Array): number {
  // A sum is not finite when an element is not; summing is several times faster than testing each.
  let sum = 0;
  for (let i = 0; i < array.length; i++) sum += array[i]! * 0;
  return sum === 0 ? -1 : array.findIndex((value) => !Number.isFinite(value));
}

function invalid(where: string, why: string): FarmError {
  return new FarmError('SCENE_INVALID', `${where}: ${why}; repair the mesh and export it again`);
}
