/** Loads a scene that a test made as a node would, and reads the numbers of the result. */
import type { Document } from '@gltf-transform/core';
import { loadFrame } from '#node-agent/renderers/gltf/load/load-frame.js';
import type { SceneDescription } from '#node-agent/renderers/gltf/scene-description.js';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { type SceneFolder, writeGlbFolder } from './gltf-scenes.js';

/** @param settings  as in a job spec; what is missing gets its default. */
export async function loadFolder(
  scene: SceneFolder,
  settings: object = {},
  frame = 0,
): Promise<SceneDescription> {
  return loadFrame({ scene, settings: renderSettingsSchema.parse(settings), frame });
}

export async function loadDocument(
  document: Document,
  settings: object = {},
  frame = 0,
): Promise<SceneDescription> {
  await using folder = await writeGlbFolder(document);
  // Without `await` the folder would be removed before it is read.
  return await loadFolder(folder, settings, frame);
}

/** Corner positions in triangle order: triangles × 9. */
export function corners({ geometry }: SceneDescription): readonly number[] {
  return [...geometry.indices].flatMap((v) => rounded(geometry.positions.subarray(v * 3, v * 3 + 3)));
}

/** An attribute of each corner, in triangle order. */
export function cornerValues(
  { geometry }: SceneDescription,
  attribute: 'normals' | 'tangents' | 'uv0' | 'uv1' | 'colors',
): readonly (readonly number[])[] {
  const width = { normals: 3, tangents: 4, uv0: 2, uv1: 2, colors: 4 }[attribute];
  return [...geometry.indices].map((v) => rounded(geometry[attribute]!.subarray(v * width, (v + 1) * width)));
}

/** To five decimals, without −0, so that numbers can be compared as written. */
export function rounded(values: ArrayLike<number>): readonly number[] {
  return Array.from(values, (value) => Math.round(value * 1e5) / 1e5 + 0);
}
