/**
 * Reads POV-Ray's scene language as far as a farm needs it without rendering: which words it uses outside of comments and
 * strings, which strings stand where a file is named, and which words belong to which declaration. POV-Ray cannot make a
 * keyword out of parts, so a word that is not in the text is not used. Scenes come from anybody: the time is linear in their
 * length, and what is kept of them is bounded.
 */
import { FarmError } from '#shared/errors.js';

/** A string, and the word before it, e.g. `include` or `png`; `fopen` for what that opens. */
export interface SourceString {
  readonly text: string;
  readonly after: string;
}

export interface SourceText {
  readonly words: ReadonlySet<string>;
  readonly strings: readonly SourceString[];
  /** A camera block, and not just the word. */
  readonly hasCamera: boolean;
  /** An include file whose name is no string but computed: it may be any. */
  readonly hasComputedInclude: boolean;
  /** Words of each `#declare` and `#macro` by its name; the words outside of all are under the empty name. */
  readonly declarations: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many words and strings are kept of it. */
  readonly names: number;
}

/** The word before a file's name → what the file is. */
export const FILE_WORDS: Readonly<Record<string, string>> = {
  include: 'include file',
  fopen: 'data file',
  ttf: 'font',
  df3: 'density file',
  ...Object.fromEntries(
    [
      ...['png', 'jpeg', 'gif', 'tga', 'ppm', 'pgm', 'tiff', 'exr', 'hdr', 'iff', 'sys'],
      ...['image_map', 'bump_map', 'material_map', 'image_pattern', 'height_field'],
    ].map((word) => [word, 'picture']),
  ),
};

/** One step of the scan: a comment, the start of another or of a string, a directive's sign, a word, or a brace. */
const TOKEN = /\/\/[^\n\r]*|\/\*|"|#|[A-Za-z_]\w*|\{/g;
const COMMENT_EDGE = /\/\*|\*\//g;
const STRING_EDGE = /["\\]/g;
/** A longer string is no file's name, a longer word is none that anybody looks for. */
const NAME_CHARS_MAX = 4096;
/** Different words and strings of a scene's texts, those of each declaration by themselves: some 200 MB of memory. */
const NAMES_MAX = 1_000_000;
const BLOCK_STARTS = new Set(['if', 'ifdef', 'ifndef', 'while', 'for', 'switch', 'macro']);

const read = new WeakMap<{ readonly text: string }, SourceText>();

/** What a file's text says, read once for as long as the file is kept. @throws SCENE_UNSUPPORTED. */
export function sourceTextOf(file: { readonly path: string; readonly text: string }): SourceText {
  const known = read.get(file);
  if (known) return known;
  const source = readSourceText(file.text, file.path);
  read.set(file, source);
  return source;
}

/**
 * @param text  of the whole file, one character per byte.
 * @param path  for messages.
 * @throws SCENE_UNSUPPORTED when it has more names than a farm's node keeps.
 */
export function readSourceText(text: string, path = 'the scene'): SourceText {
  const words = new Set<string>();
  const strings = new Map<string, SourceString>();
  const declarations = new Declarations();
  const found = { hasCamera: false, hasComputedInclude: false };
  let last = '';
  let before = '';
  let isDirective = false;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [token] = match;
    if (token.startsWith('//')) continue;
    if (token === '/*') {
      TOKEN.lastIndex = endOfComment(text, TOKEN.lastIndex);
      continue;
    }
    if (token === '"') {
      const from = TOKEN.lastIndex;
      const end = endOfString(text, from);
      TOKEN.lastIndex = end + 1;
      const after = before === 'fopen' ? before : last;
      if (end - from <= NAME_CHARS_MAX) {
        const string = unescaped(text.slice(from, end));
        strings.set(`${after} ${string}`, { text: string, after });
      }
      last = '';
    } else if (token === '#') isDirective = true;
    // A block's name goes on to count for the string that it begins with: image_map { "bark.png" }.
    else if (token === '{') found.hasCamera ||= last === 'camera';
    else {
      found.hasComputedInclude ||= last === 'include';
      before = last;
      last = token.length > NAME_CHARS_MAX ? '' : token;
      words.add(last);
      declarations.add(last, isDirective);
      isDirective = false;
    }
    checkNames(strings.size + declarations.size, path);
  }
  const names = strings.size + declarations.size;
  return { words, strings: [...strings.values()], ...found, declarations: declarations.byName, names };
}

/** @param names  of all texts up to that of `path`. @throws SCENE_UNSUPPORTED when they are more than a node keeps. */
export function checkNames(names: number, path: string): void {
  if (names > NAMES_MAX)
    throw new FarmError(
      'SCENE_UNSUPPORTED',
      `the scene has more than ${NAMES_MAX} different names with ${path}: make meshes without a name for each of their parts`,
    );
}

/** Tells which declaration a word belongs to. */
class Declarations {
  readonly byName = new Map<string, Set<string>>([['', new Set()]]);
  /** Declarations, and words in each. */
  size = 1;
  #name = '';
  #directive = '';
  #depth = 0;
  /** Of the macro that we are in; 0: in none. Declarations inside of one are part of it. */
  #macroDepth = 0;

  add(word: string, isDirective: boolean): void {
    if (isDirective) this.#enter(word);
    else {
      if (this.#directive === 'declare' && this.#macroDepth === 0) this.#begin(word);
      if (this.#directive === 'macro' && this.#macroDepth === this.#depth) this.#begin(word);
      this.#directive = '';
    }
    const words = this.byName.get(this.#name)!;
    this.size -= words.size;
    this.size += words.add(word).size;
  }

  #enter(directive: string): void {
    this.#directive = directive;
    if (BLOCK_STARTS.has(directive)) this.#depth++;
    if (directive === 'macro' && this.#macroDepth === 0) this.#macroDepth = this.#depth;
    if (directive !== 'end') return;
    if (this.#depth === this.#macroDepth) {
      this.#macroDepth = 0;
      this.#name = '';
    }
    this.#depth = Math.max(0, this.#depth - 1);
  }

  #begin(name: string): void {
    this.#name = name;
    if (this.byName.has(name)) return;
    this.byName.set(name, new Set());
    this.size++;
  }
}

/** Comments nest. @returns the place after the comment that began before `from`. */
function endOfComment(text: string, from: number): number {
  let depth = 1;
  COMMENT_EDGE.lastIndex = from;
  for (let edge = COMMENT_EDGE.exec(text); edge; edge = COMMENT_EDGE.exec(text)) {
    depth += edge[0] === '/*' ? 1 : -1;
    if (depth === 0) return COMMENT_EDGE.lastIndex;
  }
  return text.length;
}

/** @returns the place of the quote that ends the string that begins at `from`; the text's end where there is none. */
function endOfString(text: string, from: number): number {
  STRING_EDGE.lastIndex = from;
  for (let edge = STRING_EDGE.exec(text); edge; edge = STRING_EDGE.exec(text)) {
    if (edge[0] === '"') return edge.index;
    STRING_EDGE.lastIndex++;
  }
  return text.length;
}

/** Backslashes before quotes and backslashes; file names keep all others. */
function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, '$1');
}
