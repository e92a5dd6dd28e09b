/**
 * Judges a scene package when it is submitted, so that no node is the first to find out: every file is there, the
 * validator agrees, names exist, sizes are bearable, pictures decode. Runs in a worker thread (`scene-judge.ts`).
 */
import { readFile, stat } from 'node:fs/promises';
import type { Document } from '@gltf-transform/core';
import { FarmError, messageOf } from '#shared/errors.js';
import { checkDocument } from '#shared/gltf/check-document.js';
import { checkAccessorSizes, checkSceneSizes } from '#shared/gltf/check-sizes.js';
import { decodeDocument } from '#shared/gltf/decode-document.js';
import { decodeEnvironment } from '#shared/gltf/decode-environment.js';
import { checkExtensions } from '#shared/gltf/extensions.js';
import { findAnimation, findCameraNode, findScene } from '#shared/gltf/find-names.js';
import { type TracedGltf, traceGltf } from '#shared/gltf/trace-dependencies.js';
import { LIMITS } from '#shared/limits.js';
import { checkImages } from './check-images.js';
import { type SceneDefaults, sceneDefaults } from './scene-defaults.js';
import { validateGltf } from './validate-gltf.js';

export interface JudgeRequest {
  /** Package path of the scene file. */
  readonly entry: string;
  /** Package path → absolute file. */
  readonly files: Readonly<Record<string, string>>;
  readonly wanted: {
    readonly scene?: string | undefined;
    readonly camera?: string | undefined;
    readonly animation?: string | undefined;
    readonly environmentPath?: string | undefined;
    /** Frames per second that the user asked for; decides how many frames an animation has. */
    readonly fps?: number | undefined;
  };
}

export interface SceneJudgement {
  readonly warnings: readonly string[];
  readonly defaults: SceneDefaults;
  readonly summary: {
    readonly kind: 'gltf' | 'glb';
    readonly scene: string;
    readonly triangles: number;
    readonly nodes: number;
    readonly images: number;
    /** null for a still. */
    readonly durationSeconds: number | null;
  };
}

/** @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_FILE_MISSING, SCENE_PATH_ESCAPES, IMAGE_INVALID. */
export async function judgeScene({ entry, files, wanted }: JudgeRequest): Promise<SceneJudgement> {
  const bytes = await readPackageFile(files, entry, 'the scene file');
  const traced = traceGltf(entry, bytes);
  const { json } = traced;
  const extensionWarnings = checkExtensions(json);
  const resources = await readResources(traced, files);
  const fileBytes = [...resources.values()].reduce((sum, data) => sum + data.byteLength, bytes.byteLength);
  checkAccessorSizes(json, fileBytes);

  // From here on the JSON has the types that glTF promises.
  const validatorWarnings = await validateGltf(entry, bytes, traced, resources);
  const sceneIndex = findScene(json, wanted.scene);
  const { triangles, nodes } = checkSceneSizes(json, sceneIndex);
  const document = await decodeDocument(traced, resources);
  checkDocument(document);
  const duration = (name: string | undefined) =>
    animationSeconds(document, findAnimation(json, wanted.animation ?? name));
  const { defaults, warnings } = sceneDefaults(json, sceneIndex, wanted.fps, duration);
  findCameraNode(json, sceneIndex, wanted.camera ?? defaults.camera);
  if (wanted.environmentPath !== undefined) {
    const path = wanted.environmentPath;
    decodeEnvironment(path, await readPackageFile(files, path, 'the environment'));
  }
  await checkImages(document);
  return {
    warnings: [...extensionWarnings, ...validatorWarnings, ...warnings],
    defaults,
    summary: {
      kind: traced.kind,
      scene: json.scenes?.[sceneIndex]?.name ?? `#${sceneIndex}`,
      triangles,
      nodes,
      images: json.images?.length ?? 0,
      durationSeconds: duration(defaults.animation),
    },
  };
}

/** @throws SCENE_FILE_MISSING naming the first file that the package lacks, and how many more. */
async function readResources(
  traced: TracedGltf,
  files: JudgeRequest['files'],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const missing = traced.dependencies.filter(({ path }) => !Object.hasOwn(files, path));
  if (missing.length > 0) {
    const others = new Set(missing.map(({ path }) => path)).size - 1;
    throw new FarmError(
      'SCENE_FILE_MISSING',
      `${missing[0]!.what} refers to ${missing[0]!.path}, which is not in the package${others > 0 ? ` (and ${others} more files)` : ''}; add it or correct the URI`,
      { path: missing[0]!.path },
    );
  }
  const resources = new Map<string, Uint8Array>();
  let totalBytes = 0;
  for (const { uri, path, what } of traced.dependencies) {
    if (resources.has(uri)) continue;
    const bytes = await readPackageFile(files, path, what);
    totalBytes += bytes.byteLength;
    if (totalBytes > LIMITS.sceneBytesMax)
      throw new FarmError(
        'SCENE_INVALID',
        `the scene's files have more than ${LIMITS.sceneBytesMax} bytes; reduce it`,
      );
    resources.set(uri, bytes);
  }
  return resources;
}

async function readPackageFile(
  files: JudgeRequest['files'],
  path: string,
  what: string,
): Promise<Uint8Array> {
  const file = Object.hasOwn(files, path) ? files[path] : undefined;
  if (file === undefined)
    throw new FarmError('SCENE_FILE_MISSING', `${what} (${path}) is not in the package; add it`, { path });
  const { size } = await stat(file).catch((error: unknown) => {
    throw new FarmError('SCENE_FILE_MISSING', `${what} (${path}) cannot be read: ${messageOf(error)}`, {
      path,
    });
  });
  if (size > LIMITS.sceneBytesMax)
    throw new FarmError(
      'SCENE_INVALID',
      `${what} (${path}) has ${size} bytes; at most ${LIMITS.sceneBytesMax} are read, so split or reduce it`,
    );
  return readFile(file);
}

/** Length of an animation: its last key. Declared maxima may be absent or wrong, which the validator lets pass. */
function animationSeconds(document: Document, index: number | null): number | null {
  if (index === null) return null;
  let longest = 0;
  for (const sampler of document.getRoot().listAnimations()[index]!.listSamplers())
    longest = Math.max(longest, sampler.getInput()?.getArray()?.at(-1) ?? 0);
  return longest;
}
