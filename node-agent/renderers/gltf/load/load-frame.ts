/**
 * From a glTF scene on disk to the world-space description of one frame. What does not change between frames is kept in
 * this thread: the decoded document, the images, the environment, and the flattened geometry while its pose is equal.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { checkDocument } from '#shared/gltf/check-document.js';
import { checkSceneSizes } from '#shared/gltf/check-sizes.js';
import { decodeDocument } from '#shared/gltf/decode-document.js';
import { checkExtensions } from '#shared/gltf/extensions.js';
import { findAnimation, findCameraNode, findScene } from '#shared/gltf/find-names.js';
import { traceGltf } from '#shared/gltf/trace-dependencies.js';
import type { FrameRequest } from '../../renderer.js';
import type { SceneCamera, SceneDescription, SceneEnvironment } from '../scene-description.js';
import type { Track } from './animation-tracks.js';
import { defaultCamera } from './default-camera.js';
import { type FlatScene, flatten, geometryKey } from './flatten.js';
import { tangentsReady } from './generate-tangents.js';
import { type ImageEnvironment, loadEnvironment } from './load-environment.js';
import { placeCamera } from './place-camera.js';
import { poseAt } from './pose.js';
import { placeLights } from './read-lights.js';
import { buildSceneModel, type SceneModel } from './scene-model.js';

/** Scenes that a thread keeps: the one that renders, and the one before it when two jobs alternate. */
const SCENES_KEPT = 2;

interface WarmScene {
  readonly model: SceneModel;
  flat: FlatScene | null;
  /** By animation and aspect. */
  readonly defaultCameras: Map<string, SceneCamera>;
}

/**
 * @returns the frame at time = frame ÷ fps; every array is in shared memory. Arrays of an unchanged pose are the same
 *          objects as in the frame before.
 * @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_FILE_MISSING, SCENE_PATH_ESCAPES, IMAGE_INVALID.
 */
export async function loadFrame(request: FrameRequest): Promise<SceneDescription> {
  const { scene, settings, frame } = request;
  const sceneKey = JSON.stringify([scene.folder, scene.entry, settings.scene ?? null]);
  const [warm, environment] = await Promise.all([
    kept(warmScenes, sceneKey, () => openScene(scene.folder, scene.entry, settings.scene)),
    loadEnvironmentSetting(request),
  ]);
  const { model } = warm;
  const animation = findAnimation(model.json, settings.animation);
  const tracks = animation === null ? [] : model.animations[animation]!;
  const pose = poseAt(model.tree, tracks, frame / settings.fps);
  const key = geometryKey(sceneKey, model, pose);
  if (warm.flat?.geometry.key !== key) {
    warm.flat = null; // Freed before its successor is made: the peak is one geometry, not two.
    warm.flat = flatten(model, pose, key);
  }
  const { geometry, bounds } = warm.flat;
  const cameraNode = findCameraNode(model.json, model.sceneIndex, settings.camera);
  const aspect = settings.widthPx / settings.heightPx;
  return {
    geometry,
    materials: model.materials,
    images: model.images,
    lights: placeLights(model.lights, pose.worlds),
    camera: placeCamera(model, pose, cameraNode, aspect) ?? standingCamera(warm, animation, tracks, aspect),
    environment: environment ?? { kind: model.lights.length > 0 || model.isEmissive ? 'none' : 'sky' },
    bounds,
  };
}

function standingCamera(
  { model, defaultCameras }: WarmScene,
  animation: number | null,
  tracks: readonly Track[],
  aspect: number,
): SceneCamera {
  const key = `${animation} ${aspect}`;
  const camera = defaultCameras.get(key) ?? defaultCamera(model, tracks, aspect);
  defaultCameras.set(key, camera);
  return camera;
}

const warmScenes = new Map<string, Promise<WarmScene>>();
const environments = new Map<string, Promise<ImageEnvironment>>();

async function openScene(folder: string, entry: string, sceneName: string | undefined): Promise<WarmScene> {
  const traced = traceGltf(entry, await readPackageFile(folder, entry, 'the scene file'));
  checkExtensions(traced.json);
  const sceneIndex = findScene(traced.json, sceneName);
  checkSceneSizes(traced.json, sceneIndex);
  const resources = new Map<string, Uint8Array>();
  await Promise.all(
    traced.dependencies.map(async ({ path, uri, what }) => {
      resources.set(uri, await readPackageFile(folder, path, what));
    }),
  );
  const [document] = await Promise.all([decodeDocument(traced, resources), tangentsReady]);
  checkDocument(document);
  return {
    model: await buildSceneModel(traced.json, document, sceneIndex),
    flat: null,
    defaultCameras: new Map(),
  };
}

async function readPackageFile(folder: string, path: string, what: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, path));
  } catch (error) {
    throw new FarmError(
      'SCENE_FILE_MISSING',
      `${what} (${path}) cannot be read (${(error as NodeJS.ErrnoException).code}); add it to the package`,
      { path },
      { cause: error },
    );
  }
}

/** @returns null for `auto`, which depends on the scene. */
async function loadEnvironmentSetting({ scene, settings }: FrameRequest): Promise<SceneEnvironment | null> {
  const wanted = settings.environment;
  if (wanted.kind === 'auto') return null;
  if (wanted.kind !== 'file') return { kind: wanted.kind };
  const { path } = wanted;
  return kept(environments, JSON.stringify([scene.folder, path]), () => loadEnvironment(scene.folder, path));
}

/** A small least-recently-used cache of promises; what failed is tried again. */
function kept<T>(cache: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const found = cache.get(key) ?? make();
  cache.delete(key);
  cache.set(key, found);
  for (const oldest of cache.keys()) {
    if (cache.size <= SCENES_KEPT) break;
    cache.delete(oldest);
  }
  return found.catch((error: unknown) => {
    if (cache.get(key) === found) cache.delete(key);
    throw error;
  });
}
