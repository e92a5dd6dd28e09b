/** Reads the texts that make up a scene: of its package, and of POV-Ray's own library as far as they are named. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type SceneTraits, type SourceFile, sceneTraits } from './scene-traits.js';
import { readSourceText } from './source-text.js';

/** Meshes come as text; above this a file is taken for data. V8 holds strings of half a gigabyte. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;
/** A file with a zero byte in its beginning is no scene text. */
const HEAD_BYTES = 4096;

/** @throws SCENE_FILE_MISSING, SCENE_INVALID. */
export async function readSceneTraits(
  folder: string,
  entry: string,
  libraries: readonly string[],
): Promise<SceneTraits> {
  const text = await readText(join(folder, entry)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new FarmError('SCENE_FILE_MISSING', `there is no ${entry}`);
    throw error;
  });
  if (text === undefined)
    throw new FarmError('SCENE_INVALID', `${entry} is no scene text but data: save it again`);
  if (text.trim() === '') throw new FarmError('SCENE_INVALID', `${entry} is empty: save it again`);
  const sources = await readTexts(folder);
  return sceneTraits({ path: entry, text }, sources, await readLibrary(sources, libraries));
}

async function readTexts(folder: string): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  if (names.length > 2 * LIMITS.packageFilesMax)
    throw new FarmError('SCENE_INVALID', `the package has more than ${LIMITS.packageFilesMax} files`);
  const sources: SourceFile[] = [];
  for (const file of names) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const text = await readText(path);
    if (text !== undefined) sources.push({ path: relative(folder, path), text });
  }
  return sources;
}

/** @returns undefined for what is no text. */
export async function readText(path: string): Promise<string | undefined> {
  const { size } = await stat(path);
  if (size > TEXT_BYTES_MAX) return undefined;
  const file = await open(path);
  try {
    const head = Buffer.alloc(Math.min(size, HEAD_BYTES));
    await file.read(head, 0, head.length, 0);
    if (head.includes(0)) return undefined;
    // From the beginning: a read at a place of its own does not move the file on.
    return await file.readFile('latin1');
  } finally {
    await file.close();
  }
}

/** Include files of the library by the names that the scene has for them, and those that they name in turn. */
export async function readLibrary(
  sources: readonly SourceFile[],
  libraries: readonly string[],
): Promise<SourceFile[]> {
  const read = new Map<string, SourceFile>();
  const named = sources.flatMap(({ text }) => includesOf(text));
  for (let name = named.pop(); name !== undefined; name = named.pop()) {
    if (read.has(name) || name.includes('/')) continue;
    const text = await firstOf(libraries.map((folder) => join(folder, basename(name!))));
    if (text === undefined) continue;
    read.set(name, { path: name, text });
    named.push(...includesOf(text));
  }
  return [...read.values()];
}

const includesOf = (text: string): string[] =>
  readSourceText(text).strings.flatMap(({ text, after }) => (after === 'include' ? [text] : []));

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    try {
      return await readFile(path, 'latin1');
    } catch (error) {
      if (!['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return undefined;
}
