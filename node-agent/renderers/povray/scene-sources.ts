/** Reads the texts that make up a scene: of its package, and of POV-Ray's own library as far as they are named. */
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { type SceneTraits, type SourceFile, sceneTraits } from './scene-traits.js';
import { checkNames, type SourceText, sourceTextOf } from './source-text.js';

/** Of all texts of a scene, meshes among them: they are in memory together. */
const TEXT_BYTES_MAX = 64 * 1024 * 1024;
/** A scene file with a zero byte in its beginning is none. */
const HEAD_BYTES = 4096;
const CHUNK_BYTES = 1024 * 1024;
/** POV-Ray includes any file, whatever it is called; of pictures and fonts only these words are looked for. */
const DATA = /\.(?:png|jpe?g|gif|tga|ppm|pgm|tiff?|exr|hdr|iff|df3|tt[fc])$/i;
const DATA_WORDS = ['fopen', 'write', 'append', 'save_file', 'include'] as const;
const DATA_WORD_CHARS_MAX = 9;

/** @throws SCENE_FILE_MISSING, SCENE_INVALID, SCENE_UNSUPPORTED. */
export async function readSceneTraits(
  folder: string,
  entry: string,
  libraries: readonly string[],
): Promise<SceneTraits> {
  const text = await readEntry(folder, entry);
  const sources = await readTexts(folder);
  return sceneTraits({ path: entry, text }, sources, await readLibrary(sources, libraries));
}

/** @throws SCENE_FILE_MISSING, SCENE_INVALID, SCENE_UNSUPPORTED. */
export async function readEntry(folder: string, entry: string): Promise<string> {
  const text = await new SourceReader(folder).readAll(entry).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new FarmError('SCENE_FILE_MISSING', `there is no ${entry}`);
    throw error;
  });
  if (text.slice(0, HEAD_BYTES).includes('\0'))
    throw new FarmError('SCENE_INVALID', `${entry} is no scene text but data: save it again`);
  if (text.trim() === '') throw new FarmError('SCENE_INVALID', `${entry} is empty: save it again`);
  return text;
}

async function readTexts(folder: string): Promise<SourceFile[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  if (names.length > 2 * LIMITS.packageFilesMax)
    throw new FarmError('SCENE_INVALID', `the package has more than ${LIMITS.packageFilesMax} files`);
  const reader = new SourceReader(folder);
  const paths = names.flatMap((file) =>
    file.isFile() ? [relative(folder, join(file.parentPath, file.name))] : [],
  );
  const sources: SourceFile[] = [];
  const included = new Set<string>();
  const add = async (path: string) => {
    const source = { path, text: await reader.read(path, included.has(basename(path))) };
    for (const { text, after } of reader.search(source).strings)
      if (after === 'include') included.add(basename(text));
    sources.push(source);
  };
  // Texts first: they tell which of the others are taken for texts too.
  for (const path of paths) if (!DATA.test(path)) await add(path);
  for (const path of paths) if (DATA.test(path)) await add(path);
  return sources;
}

/** Reads a scene's files, and refuses more than a node has memory for. */
export class SourceReader {
  readonly #folder: string;
  #bytes = 0;
  #names = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @param isIncluded  it is a text, whatever it is called.
   * @returns the text; of data the telling words that are in it, unless it includes others.
   * @throws SCENE_UNSUPPORTED.
   */
  async read(path: string, isIncluded = false): Promise<string> {
    if (isIncluded || !DATA.test(path)) return this.readAll(path);
    const words = await this.#dataWords(path);
    return words.includes('include') ? this.readAll(path) : words.join(' ');
  }

  /** Searches a text, one after the other, so that one too many ends it. @throws SCENE_UNSUPPORTED. */
  search(file: SourceFile): SourceText {
    const source = sourceTextOf(file);
    this.#names += source.names;
    checkNames(this.#names, file.path);
    return source;
  }

  /** @throws SCENE_UNSUPPORTED. */
  async readAll(path: string): Promise<string> {
    const absolute = join(this.#folder, path);
    const { size } = await stat(absolute);
    this.#bytes += size;
    if (this.#bytes > TEXT_BYTES_MAX)
      throw new FarmError(
        'SCENE_UNSUPPORTED',
        `the scene's texts are more than ${TEXT_BYTES_MAX} bytes with ${path}: leave out what it does not need`,
      );
    return readFile(absolute, 'latin1');
  }

  /** Those that stand alone, and not in the middle of another. */
  async #dataWords(path: string): Promise<string[]> {
    const found = new Set<string>();
    const file = await open(join(this.#folder, path));
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      // What the chunk before ended with: a word, and the character before it.
      let kept = 0;
      for (;;) {
        const { bytesRead } = await file.read(chunk, kept, CHUNK_BYTES - kept);
        const part = chunk.subarray(0, kept + bytesRead);
        for (const word of DATA_WORDS) if (!found.has(word) && standsAlone(part, word)) found.add(word);
        if (bytesRead === 0 || found.has('include')) return [...found];
        kept = Math.min(part.length, DATA_WORD_CHARS_MAX + 1);
        part.copy(chunk, 0, part.length - kept);
      }
    } finally {
      await file.close();
    }
  }
}

function standsAlone(part: Buffer, word: string): boolean {
  for (let at = part.indexOf(word, 0, 'latin1'); at >= 0; at = part.indexOf(word, at + 1, 'latin1'))
    if (!isWordByte(part[at - 1]) && !isWordByte(part[at + word.length])) return true;
  return false;
}

const isWordByte = (byte: number | undefined): boolean =>
  byte !== undefined && /\w/.test(String.fromCharCode(byte));

/**
 * Include files of the library by the names that the scene has for them, and those that they name in turn; all of them when
 * it computes a name.
 */
export async function readLibrary(
  sources: readonly SourceFile[],
  libraries: readonly string[],
): Promise<SourceFile[]> {
  const read = new Map<string, SourceFile>();
  const named = sources.flatMap(includesOf);
  for (let name = named.pop(); name !== undefined; name = named.pop()) {
    if (read.has(name) || name.includes('/')) continue;
    const text = await firstOf(libraries.map((folder) => join(folder, basename(name!))));
    if (text === undefined) continue;
    const file = { path: name, text };
    read.set(name, file);
    named.push(...includesOf(file));
  }
  if (sources.some((file) => sourceTextOf(file).hasComputedInclude))
    for (const name of await includeFiles(libraries)) {
      const text = read.has(name) ? undefined : await firstOf(libraries.map((folder) => join(folder, name)));
      if (text !== undefined) read.set(name, { path: name, text, isGuessed: true });
    }
  return [...read.values()];
}

async function includeFiles(libraries: readonly string[]): Promise<string[]> {
  const names = await Promise.all(libraries.map((folder) => readdir(folder).catch(absent)));
  return [...new Set(names.flatMap((found) => found ?? []))].filter((name) => name.endsWith('.inc'));
}

const includesOf = (file: SourceFile): string[] =>
  sourceTextOf(file).strings.flatMap(({ text, after }) => (after === 'include' ? [text] : []));

async function firstOf(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const text = await readFile(path, 'latin1').catch(absent);
    if (text !== undefined) return text;
  }
  return undefined;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (!['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(error.code ?? '')) throw error;
}
