/**
 * Has a node read a scene whose renderer is not installed here. What the node misses and this machine has is uploaded, and
 * it is asked again, until nothing new turns up. The package begins as high as one can, so that every file which might be
 * part of it has a path. A node's word alone gets no file: unless the user gave `--root`, only what lies below the scene's
 * folder is sent, and files whose names stand in the scene or in what it includes.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import {
  type SceneFile,
  type SceneInspection,
  sceneInspectionSchema,
} from '#shared/domain/scene-inspection.js';
import { isPackagePath } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorClient, call } from '#shared/wire/coordinator-client.js';
import type { SceneInspection__Output } from '#shared/wire/generated/guian/v1/SceneInspection.js';
import { type HashedFiles, hashFiles, type KnownDigests } from '../render/hash-files.js';
import { uploadPackage } from '../render/upload-package.js';
import type { InspectedScene, InspectQuestion } from './inspected-scene.js';
import { mayBeSentFromDisk } from './may-be-sent.js';
import { NamedFiles } from './named-files.js';
import { commonFolder, fileBelow, firstRoot, pathBelow, widestRoot } from './package-root.js';

const ROUNDS_MAX = 20;
/** Three nodes may be tried, each with 3 min. */
const INSPECT_DEADLINE_MS = 10 * 60_000;

export interface AskFarm {
  readonly farm: CoordinatorClient;
  readonly renderer: string;
  /** Empty: the newest that nodes have. */
  readonly rendererVersion: string;
  /** Empty: the default one. */
  readonly studio: string;
  readonly signal: AbortSignal;
}

/** @throws RENDERER_MISSING, SCENE_NEEDS_SCRIPTS when the studio may not run them, and what the node says of the scene. */
export async function inspectOnFarm(question: InspectQuestion, ask: AskFarm): Promise<InspectedScene> {
  const { scene, givenRoot } = question;
  firstRoot(scene, givenRoot);
  const root = givenRoot ?? widestRoot(scene);
  const entry = pathBelow(root, scene)!;
  const files = new Map([[entry, scene]]);
  const known: KnownDigests = new Map();
  const look: Look = {
    root,
    scene,
    entry,
    files,
    kept: new Map(),
    ...(!givenRoot && { named: new NamedFiles() }),
  };
  for (let round = 1; ; round++) {
    const hashed = await hashFiles(entry, files, known);
    await uploadPackage(ask.farm, hashed, ask.signal);
    const inspection = await askOnce(question, root, hashed, ask);
    const before = files.size;
    await look.named?.search(files.values());
    for (const file of inspection.files) await addWhatIsHere(file, look);
    if (files.size === before || round === ROUNDS_MAX)
      return settled(root, scene, givenRoot, files, await lookedAt(inspection, look.kept));
    if (files.size > LIMITS.packageFilesMax)
      throw new FarmError(
        'SCENE_INVALID',
        `${basename(scene)} refers to more than ${LIMITS.packageFilesMax} files, which no package holds`,
      );
  }
}

async function askOnce(
  { allowScripts }: InspectQuestion,
  root: string,
  { manifest }: HashedFiles,
  { farm, renderer, rendererVersion, studio, signal }: AskFarm,
): Promise<SceneInspection> {
  const request = {
    manifest: { entry: manifest.entry, files: manifest.files.map((file) => ({ ...file })) },
    ...{ renderer, rendererVersion, studio, allowScripts },
    sourceRoot: root,
  };
  const answer = call<SceneInspection__Output>(
    farm,
    (options, done) => farm.packages.inspect(request, options, done),
    INSPECT_DEADLINE_MS,
  );
  return toInspection(await beforeAbort(answer, signal));
}

/** On the wire, an empty path is none. */
function toInspection(answer: SceneInspection__Output): SceneInspection {
  const files = answer.files.map(({ path, ...file }) => ({ ...file, ...(path !== '' && { path }) }));
  const parsed = sceneInspectionSchema.safeParse({ ...answer, files });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FarmError(
    'MESSAGE_INVALID',
    `the coordinator's answer about the scene is none: ${issue.path.join('.')}: ${issue.message}`,
  );
}

/** What is on this machine, and what of it is sent. */
interface Look {
  readonly root: string;
  readonly scene: string;
  readonly entry: string;
  /** Package path → absolute file, of all that is sent. */
  readonly files: Map<string, string>;
  /** Reference → absolute file or folder, of what the node misses and does not get. */
  readonly kept: Map<string, string>;
  /** Absent with `--root`: the user has said what may be sent. */
  readonly named?: NamedFiles;
}

/** Files on this machine that a missing one stands for. */
async function addWhatIsHere(file: SceneFile, look: Look): Promise<void> {
  if (file.state !== 'missing') return;
  const { root, entry, files, kept } = look;
  for (const candidate of candidates(file, root, entry)) {
    const info = await stat(candidate).catch(() => undefined);
    if (!info) continue;
    const isFolder = info.isDirectory();
    if (!isGiven(candidate, isFolder, look)) {
      kept.set(file.reference, candidate);
      return;
    }
    const found = isFolder ? await filesIn(candidate) : [candidate, ...(await siblings(file, candidate))];
    for (const one of found) {
      const path = pathBelow(root, one);
      if (path === undefined || !isPackagePath(path) || !isGiven(one, false, look)) continue;
      if (await mayBeSentFromDisk(one, look.scene)) files.set(path, one);
      else if (one === candidate) kept.set(file.reference, one);
    }
    return;
  }
}

/** Whether the user or the scene, and not the node alone, asks for it. */
function isGiven(file: string, isFolder: boolean, { scene, named }: Look): boolean {
  if (named === undefined || pathBelow(dirname(scene), file) !== undefined) return true;
  return !isFolder && named.has(file);
}

/** POV-Ray looks beside the scene, then from the package's root. */
function candidates({ path, reference }: SceneFile, root: string, entry: string): string[] {
  if (path !== undefined) return [fileBelow(root, path)];
  if (reference === '' || reference.startsWith('//')) return [];
  return isAbsolute(reference)
    ? [reference]
    : [resolve(root, dirname(entry), reference), resolve(root, reference)];
}

/** A node sees one picture of a sequence at a time, and of a cache the file that it misses first. */
async function siblings({ what }: SceneFile, file: string): Promise<string[]> {
  if (!/sequence|cache|volume/i.test(what) || !/\d/.test(basename(file))) return [];
  const escaped = basename(file).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = new RegExp(`^${escaped.replace(/\d+(?=\D*$)/, '\\d+')}$`);
  const entries = await readdir(dirname(file), { withFileTypes: true });
  return entries
    .filter((one) => one.isFile() && pattern.test(one.name))
    .map((one) => join(dirname(file), one.name));
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/**
 * A node tells nobody what is on its disk: of files outside it is this machine that says whether they are there. What was
 * not sent is outside as well.
 */
async function lookedAt(
  inspection: SceneInspection,
  kept: ReadonlyMap<string, string>,
): Promise<SceneInspection> {
  const look = async ({ path, ...rest }: SceneFile): Promise<SceneFile> => {
    const keptFile = rest.state === 'missing' ? kept.get(rest.reference) : undefined;
    const file: SceneFile =
      keptFile === undefined
        ? { ...rest, ...(path !== undefined && { path }) }
        : { ...rest, reference: keptFile, state: 'outside' };
    if (file.state !== 'outside') return file;
    const info = await stat(file.reference).catch(() => undefined);
    if (keptFile !== undefined) return { ...file, sizeBytes: info?.isFile() ? info.size : 0 };
    return info?.isFile() ? { ...file, sizeBytes: info.size } : { ...file, state: 'missing' };
  };
  return { ...inspection, files: await Promise.all(inspection.files.map(look)) };
}

/** Paths from the root that is really needed. */
function settled(
  wideRoot: string,
  scene: string,
  givenRoot: string | undefined,
  files: ReadonlyMap<string, string>,
  inspection: SceneInspection,
): InspectedScene {
  const found = inspection.files.flatMap(({ state, path }) =>
    state === 'found' && path !== undefined ? [files.get(path) ?? []].flat() : [],
  );
  const root = givenRoot ?? commonFolder([scene, ...found]);
  const moved = inspection.files.map((file): SceneFile => {
    const { path, ...rest } = file;
    if (path === undefined) return file;
    // A node finds no more than it was sent; whatever else it says is here would be sent with the job.
    if (file.state === 'found' && !files.has(path)) return { ...rest, state: 'missing' };
    const below = pathBelow(root, fileBelow(wideRoot, path));
    return below === undefined ? { ...rest, reference: fileBelow(wideRoot, path) } : { ...rest, path: below };
  });
  return {
    root,
    entry: pathBelow(root, scene)!,
    inspection: { ...inspection, files: moved },
    readBy: 'node',
  };
}

/** The call itself ends with its connection. */
async function beforeAbort<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    answer.catch(() => undefined);
  }
}
