/**
 * What a scene's text says of how it must be rendered: whether its pixels can be cut into tiles freely, whether it writes
 * files, whether it has a camera at all (POV-Ray renders through one of its own otherwise, without a word).
 */
import { basename, dirname, isAbsolute, join } from 'node:path';
import { FILE_WORDS, type SourceText, sourceTextOf } from './source-text.js';
import type { PixelHistory } from './tile-areas.js';

export interface SourceFile {
  /** In the package, or an include file's name in POV-Ray's library. */
  readonly path: string;
  readonly text: string;
  /** No text names this file of the library, but one computes a name: only the declarations that are used count. */
  readonly isGuessed?: boolean;
}

export interface SceneTraits {
  readonly history: PixelHistory;
  /** The word that makes it so, and where, e.g. `jitter in rooms/hall.pov`. */
  readonly historyReason: string;
  readonly hasCamera: boolean;
  /** Every file that it names for inclusion is there, so that what was not found in the texts is not in the scene. */
  readonly isComplete: boolean;
  /** Output with alpha keeps the background of scenes for 3.7 and later alone (measured). */
  readonly hasAlpha: boolean;
  /** e.g. `rooms/hall.pov writes a file (fopen)` */
  readonly writes: readonly string[];
  /** Files that it names outside of its package, e.g. `/etc/passwd in rooms/hall.pov`. */
  readonly escapes: readonly string[];
  /** It asks for the time of day, which differs from tile to tile. */
  readonly clockReaders: readonly string[];
}

/**
 * Features whose pixels depend on the pixels before (found by comparing tiles, and by POV-Ray's random sequences that no
 * pixel restarts): jittered area lights, media with jitter or of methods 1 and 2, rainbows with jitter, crand, subsurface
 * light, isosurfaces that adapt their gradient.
 */
const RUN_WORDS = ['jitter', 'crand', 'subsurface', 'evaluate'];
const FRAME_WORDS = ['radiosity'];
/** Before 3.5, media took its samples at random unless told otherwise. */
const MEDIA_VERSION_MIN = 3.5;
const ALPHA_VERSION_MIN = 3.7;

/**
 * @param entry     the scene file.
 * @param sources   every file of the package that may be included, the scene file among them.
 * @param library   the include files of POV-Ray's own library that the package names, and those that they name.
 */
export function sceneTraits(
  entry: SourceFile,
  sources: readonly SourceFile[],
  library: readonly SourceFile[],
): SceneTraits {
  const files = sources.map((file) => ({ path: file.path, source: sourceTextOf(file) }));
  const shelf = library.map((file) => ({ ...file, source: sourceTextOf(file) }));
  const used = new Set<string>();
  for (const { source } of files) for (const word of source.words) used.add(word);
  const reached = reachedDeclarations(shelf, used);
  const find = (isGuilty: (words: ReadonlySet<string>) => string | undefined): string[] => {
    const own = files.flatMap(({ path, source }) => told(isGuilty(source.words), path));
    return [...own, ...reached.flatMap(({ path, words }) => told(isGuilty(words), path))];
  };
  // The word may stand in another file than what it opens, or be a macro's.
  const mayWrite = [used, ...reached.map(({ words }) => words)].some(
    (words) => words.has('write') || words.has('append'),
  );
  const version = versionOf(entry.text);
  const frame = find((words) => FRAME_WORDS.find((word) => words.has(word)));
  const run = find((words) => runWord(words, version));
  return {
    history: frame.length > 0 ? 'frame' : run.length > 0 ? 'run' : 'none',
    historyReason: frame[0] ?? run[0] ?? '',
    hasCamera: [...files, ...shelf.filter(({ isGuessed }) => !isGuessed)].some(
      ({ source }) => source.hasCamera,
    ),
    isComplete: files.every(({ source }) =>
      source.strings.every(
        ({ text, after }) => after !== 'include' || isKnown(text, [...sources, ...library]),
      ),
    ),
    hasAlpha: version !== undefined && version >= ALPHA_VERSION_MIN,
    writes: find((words) => writeWord(words, mayWrite)),
    escapes: files.flatMap(({ path, source }) =>
      source.strings.flatMap(({ text, after }) =>
        Object.hasOwn(FILE_WORDS, after) && isOutside(text, entry.path) ? [`${text} in ${path}`] : [],
      ),
    ),
    clockReaders: find((words) => (words.has('now') ? 'now' : undefined)),
  };
}

function runWord(words: ReadonlySet<string>, version: number | undefined): string | undefined {
  const word = RUN_WORDS.find((candidate) => words.has(candidate));
  if (word !== undefined) return word;
  if (!words.has('media')) return undefined;
  if (words.has('method')) return 'media with method';
  return version !== undefined && version < MEDIA_VERSION_MIN ? 'media' : undefined;
}

function writeWord(words: ReadonlySet<string>, mayWrite: boolean): string | undefined {
  if (words.has('save_file')) return 'save_file';
  return mayWrite && words.has('fopen') ? 'fopen' : undefined;
}

/**
 * The library's files hold many declarations of which a scene uses few: only those count whose names it uses, directly or
 * through another declaration. What stands outside of declarations always counts.
 */
function reachedDeclarations(
  shelf: readonly { readonly path: string; readonly source: SourceText; readonly isGuessed?: boolean }[],
  used: ReadonlySet<string>,
): { readonly path: string; readonly words: ReadonlySet<string> }[] {
  const all = shelf.flatMap(({ path, source, isGuessed }) =>
    [...source.declarations]
      .filter(([name]) => name !== '' || !isGuessed)
      .map(([name, words]) => ({ path, name, words })),
  );
  const reached = new Set(used);
  let isGrowing = true;
  const seen = new Set<(typeof all)[number]>();
  while (isGrowing) {
    isGrowing = false;
    for (const declaration of all) {
      if (seen.has(declaration)) continue;
      if (declaration.name !== '' && !reached.has(declaration.name)) continue;
      seen.add(declaration);
      for (const word of declaration.words) reached.add(word);
      isGrowing = true;
    }
  }
  return [...seen];
}

function isKnown(include: string, files: readonly SourceFile[]): boolean {
  const name = basename(include);
  return files.some(({ path }) => basename(path) === name || basename(path).startsWith(`${name}.`));
}

/** References start beside the scene file, or at the package's root. */
function isOutside(reference: string, entry: string): boolean {
  if (isAbsolute(reference) || /^[A-Za-z]:[\\/]/.test(reference)) return true;
  return [dirname(entry), '.'].every((start) => join(start, reference).startsWith('../'));
}

const told = (word: string | undefined, path: string): string[] =>
  word === undefined ? [] : [`${word} in ${path}`];

/** Of the scene file's first directive; undefined when there is none. */
function versionOf(text: string): number | undefined {
  const version = /#\s*version\s+(?:(?:un)?official\s+)?(\d{1,4}(?:\.\d{1,4})?)/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}
