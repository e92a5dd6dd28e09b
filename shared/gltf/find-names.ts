/** Scenes, cameras and animations by the name that a user gives; the coordinator refuses what a node would not find. */
import type { GLTF } from '@gltf-transform/core';
import { FarmError } from '../errors.js';
import { sceneNodes } from './scene-nodes.js';

/**
 * @returns index of the wanted scene, else of the file's default, else 0.
 * @throws SCENE_INVALID when there is none.
 */
export function findScene(json: GLTF.IGLTF, name: string | undefined): number {
  const scenes = json.scenes ?? [];
  if (scenes.length === 0)
    throw new FarmError('SCENE_INVALID', 'the file has no scene to render; export it with a scene');
  if (name !== undefined)
    return findNamed(
      'scene',
      name,
      scenes.map((scene, i) => scene.name ?? `#${i}`),
    );
  const index = json.scene ?? 0;
  if (scenes[index] === undefined)
    throw new FarmError(
      'SCENE_INVALID',
      `the default scene ${index} does not exist; the file has ${scenes.length}`,
    );
  return index;
}

/**
 * A camera answers to the name of its node and to its own. Without a name: the scene's first, depth first.
 * @returns index of the camera's node; null when no name is given and the scene has no camera.
 */
export function findCameraNode(
  json: GLTF.IGLTF,
  sceneIndex: number,
  name: string | undefined,
): number | null {
  const nodes = json.nodes ?? [];
  const withCamera = sceneNodes(json, sceneIndex).filter((index) => nodes[index]!.camera !== undefined);
  if (name === undefined) return withCamera[0] ?? null;
  const nodeNames = withCamera.map((index) => nodes[index]!.name ?? '');
  const cameraNames = withCamera.map((index) => json.cameras?.[nodes[index]!.camera!]?.name ?? '');
  const position = nodeNames.includes(name) ? nodeNames.indexOf(name) : cameraNames.indexOf(name);
  if (position >= 0) return withCamera[position]!;
  const labels = withCamera.map((index, i) => nodeNames[i] || cameraNames[i] || `#${index}`);
  return withCamera[findNamed('camera', name, labels)]!;
}

/** @returns index of the wanted animation, else of the first; null when no name is given and there is none. */
export function findAnimation(json: GLTF.IGLTF, name: string | undefined): number | null {
  const animations = json.animations ?? [];
  if (name === undefined) return animations.length > 0 ? 0 : null;
  return findNamed(
    'animation',
    name,
    animations.map((animation, i) => animation.name ?? `#${i}`),
  );
}

/** Things without a name are called `#0`, `#1`, … */
function findNamed(noun: string, name: string, labels: readonly string[]): number {
  const index = labels.indexOf(name);
  if (index >= 0) return index;
  const existing =
    labels.length === 0
      ? `the scene has no ${noun}`
      : `there are ${labels
          .slice(0, 10)
          .map((label) => `"${label.slice(0, 60)}"`)
          .join(', ')}${labels.length > 10 ? ` and ${labels.length - 10} more` : ''}`;
  throw new FarmError(
    'SCENE_INVALID',
    `${noun} "${name}" does not exist: ${existing}; name one that exists or leave it out`,
    {
      [noun]: name,
    },
  );
}
