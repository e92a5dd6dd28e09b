/**
 * The scene package of a file on this machine: the scene, every file it refers to, and the environment map. Checked
 * here, where the user can still see what is wrong, and hashed; nothing is copied.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseFrameRange } from '#shared/domain/frame-range.js';
import { digestSchema } from '#shared/domain/ids.js';
import { isProgram, rendererOfScene, SCENE_EXTENSIONS } from '#shared/domain/renderers.js';
import type { SceneInspection } from '#shared/domain/scene-inspection.js';
import { isPackagePath } from '#shared/domain/scene-package.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { assertSubmittable } from '../inspect/assert-submittable.js';
import { inspectScene } from '../inspect/inspect-scene.js';
import type { InspectedScene } from '../inspect/inspected-scene.js';
import { mayBeSentFromDisk } from '../inspect/may-be-sent.js';
import { fileBelow, firstRoot, pathBelow } from '../inspect/package-root.js';
import { oneLine } from '../process/exit-code.js';
import type { Interrupt } from '../process/interrupt.js';
import { checkForRenderer } from './check-for-renderer.js';
import { checkReadable } from './check-readable.js';
import { type HashedFiles, hashFiles } from './hash-files.js';
import { readScene } from './read-scene.js';
import type { RenderFlags } from './render-flags.js';

export interface ScenePackage extends HashedFiles {
  readonly renderer: string;
  readonly environment: { readonly kind: string; readonly path: string };
  /** Scene file's name without its extension. */
  readonly name: string;
  /** What the scene says of itself, where somebody on this side has read it. */
  readonly inspection?: SceneInspection;
  /** Absolute folder that became the package, where absolute paths in the scene may lead into it. */
  readonly sourceRoot?: string;
}

export interface PackageWith {
  /** `host:port` of the farm that the scene is for; absent: this machine. */
  readonly coordinator?: string | undefined;
  readonly interrupt?: Interrupt | undefined;
}

const SYNTHETIC_ENTRY = 'synthetic.json';
const NO_ENVIRONMENT = { kind: 'auto', path: '' };
const WANTED = `the ${SCENE_EXTENSIONS.join(', ')} file itself`;

/**
 * @throws SCENE_FILE_MISSING, SCENE_INVALID, SCENE_PATH_ESCAPES, SCENE_NEEDS_SCRIPTS, … each naming the file;
 *         TOOL_MISSING where the scene's renderer is needed here and is not.
 */
export async function scenePackage(
  scene: string | undefined,
  flags: RenderFlags,
  where: PackageWith = {},
): Promise<ScenePackage> {
  if (scene === undefined) {
    if (flags.renderer === 'synthetic') return syntheticPackage();
    throw new FarmError(
      'USAGE_INVALID',
      `no scene given; name a ${SCENE_EXTENSIONS.join(', ')} file: guian render scene.glb`,
    );
  }
  const file = resolve(scene);
  const name = basename(file).replace(/\.[^.]*$/, '') || basename(file);
  await checkReadable(file, `scene ${scene}`, 'SCENE_FILE_MISSING', WANTED);
  if (!isPackagePath(basename(file))) {
    throw new FarmError('SCENE_INVALID', `scene ${scene}: its name cannot be used in a package; rename it`);
  }
  const renderer = rendererFor(scene, flags.renderer);
  checkForRenderer(flags, renderer);
  if (flags.threadsPerSlot > 1)
    process.stderr.write(
      `guian: notice: --threads-per-slot ${flags.threadsPerSlot}: equal pixels on all nodes are promised for one thread per slot only\n`,
    );
  if (renderer === 'gltf') return { ...(await gltfPackage(file, flags)), renderer, name };
  if (isProgram(renderer)) return { ...(await programPackage(file, renderer, flags, where)), renderer, name };
  const { entry, files } = await plainFiles(file, renderer, flags.root);
  return { ...(await hashFiles(entry, files)), environment: NO_ENVIRONMENT, renderer, name };
}

/** @throws USAGE_INVALID when neither name nor flag says it. */
export function rendererFor(scene: string, given: string | undefined): string {
  const renderer = given ?? rendererOfScene(scene);
  if (renderer !== undefined) return renderer;
  throw new FarmError(
    'USAGE_INVALID',
    `scene ${scene}: its name does not say which renderer it is for; it ends in ${SCENE_EXTENSIONS.join(', ')}, or --renderer says it`,
  );
}

/** The synthetic renderer needs no scene file (one only says which tiles go wrong), but a job always has one. */
function syntheticPackage(): ScenePackage {
  const content = Buffer.from('{}\n');
  const digest = digestSchema.parse(createHash('sha256').update(content).digest('hex'));
  return {
    manifest: {
      entry: SYNTHETIC_ENTRY,
      files: [{ path: SYNTHETIC_ENTRY, digest, sizeBytes: content.length }],
    },
    fileOf: new Map([[digest, content]]),
    environment: NO_ENVIRONMENT,
    renderer: 'synthetic',
    name: 'synthetic',
  };
}

type Packed = Omit<ScenePackage, 'renderer' | 'name'>;

/** The coordinator judges the rest of it. */
async function gltfPackage(scene: string, flags: RenderFlags): Promise<Packed> {
  const root = flags.root === undefined ? resolve(scene, '..') : firstRoot(scene, resolve(flags.root));
  const entry = pathBelow(root, scene)!;
  const files = new Map([[entry, scene]]);
  const { traceGltf } = await import('#shared/gltf/trace-dependencies.js');
  const { dependencies } = traceGltf(entry, await readScene(scene));
  for (const { path, uri, what } of dependencies) {
    const file = fileBelow(root, path);
    await checkReadable(file, `${entry}: ${what} refers to "${uri}", and ${file}`, 'SCENE_FILE_MISSING');
    if (!(await mayBeSentFromDisk(file, scene)))
      throw new FarmError(
        'SCENE_PATH_ESCAPES',
        `${entry}: ${what} refers to "${uri}", and ${file} is private: it is hidden or leads to a hidden folder or another disk; if you trust the scene, copy the file beside it`,
      );
    files.set(path, file);
  }
  const environment = await addEnvironment(files, flags);
  return { ...(await hashFiles(entry, files)), environment };
}

async function programPackage(
  scene: string,
  renderer: string,
  flags: RenderFlags,
  { coordinator, interrupt }: PackageWith,
): Promise<Packed> {
  const { allowScripts, allowMissing, camera, viewLayer, rendererVersion, studio } = flags;
  const inspected = await inspectScene({
    ...{ scene, renderer, rendererVersion, studio, allowScripts, coordinator, interrupt },
    sceneName: flags.scene,
    givenRoot: flags.root === undefined ? undefined : resolve(flags.root),
  });
  tell(inspected, scene, flags);
  const hasSize = flags.size.widthPx > 0;
  assertSubmittable(inspected, {
    allowScripts,
    allowMissing,
    camera,
    viewLayer,
    sceneName: flags.scene,
    hasSize,
  });
  if (flags.frames === '') assertFrames(inspected);
  const { root, entry, inspection } = inspected;
  const files = new Map([[entry, scene]]);
  for (const { state, path } of inspection.files)
    if (state === 'found' && path !== undefined) files.set(path, fileBelow(root, path));
  const hashed = await hashFiles(entry, files);
  return { ...hashed, environment: NO_ENVIRONMENT, inspection, sourceRoot: root };
}

/** Before a refusal, so that both are seen. */
function tell({ inspection, root }: InspectedScene, scene: string, flags: RenderFlags): void {
  const notices = [...inspection.notices];
  const lacking = inspection.files.filter(({ state }) => state !== 'found').length;
  if (flags.allowMissing && lacking > 0)
    notices.push(`${lacking} of its files are not there, and the picture will show it (--allow-missing)`);
  if (flags.root === undefined && root !== resolve(scene, '..'))
    notices.push(`the package begins at ${root}, since the scene uses files from there`);
  for (const notice of notices) process.stderr.write(`guian: notice: ${oneLine(notice)}\n`);
}

function assertFrames({ entry, inspection }: InspectedScene): void {
  try {
    parseFrameRange(inspection.frames || '0');
  } catch (cause) {
    throw new FarmError(
      'SCENE_INVALID',
      `${entry}: its own frames are not usable (${messageOf(cause)}); name them with --frames`,
      {},
      { cause },
    );
  }
}

/** Nobody here can read the scenes of a renderer that nodes have as a module: with `--root` all that lies below goes along. */
async function plainFiles(scene: string, renderer: string, givenRoot: string | undefined) {
  const root = givenRoot === undefined ? resolve(scene, '..') : firstRoot(scene, resolve(givenRoot));
  const entry = pathBelow(root, scene)!;
  const files = new Map([[entry, scene]]);
  if (givenRoot === undefined || renderer === 'synthetic') return { entry, files };
  for (const one of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!one.isFile()) continue;
    const file = join(one.parentPath, one.name);
    const path = pathBelow(root, file)!;
    if (!isPackagePath(path))
      throw new FarmError(
        'SCENE_INVALID',
        `--root ${givenRoot}: ${file} cannot be named in a package; rename it`,
      );
    files.set(path, file);
    if (files.size > LIMITS.packageFilesMax)
      throw new FarmError(
        'USAGE_INVALID',
        `--root ${givenRoot}: it holds more than the ${LIMITS.packageFilesMax} files of a package; name a deeper folder`,
      );
  }
  return { entry, files };
}

async function addEnvironment(
  files: Map<string, string>,
  flags: RenderFlags,
): Promise<ScenePackage['environment']> {
  if (flags.env.kind !== 'file') return { kind: flags.env.kind, path: '' };
  const file = resolve(flags.env.file);
  await checkReadable(file, `--env ${flags.env.file}`, 'SCENE_FILE_MISSING');
  let path = `environment/${basename(file)}`;
  // The scene may have a file of that name itself.
  while (files.has(path) && files.get(path) !== file) path = path.replace(/([^/]*)$/, '_$1');
  if (!isPackagePath(path)) {
    throw new FarmError(
      'USAGE_INVALID',
      `--env ${flags.env.file}: its name cannot be used in a package; rename it`,
    );
  }
  files.set(path, file);
  return { kind: 'file', path };
}
