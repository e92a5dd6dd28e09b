/**
 * Reads POV-Ray's scene language as far as a farm needs it without rendering: which words it uses outside of comments and
 * strings, which strings stand where a file is named, and which words belong to which declaration. POV-Ray cannot make a
 * keyword out of parts, so a word that is not in the text is not used.
 */

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
  /** Words of each `#declare` and `#macro` by its name; the words outside of all are under the empty name. */
  readonly declarations: ReadonlyMap<string, ReadonlySet<string>>;
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

/** One step of the scan: the start of a comment, a string, a word, or a brace. */
const TOKEN = /\/\/[^\n]*|\/\*|"(?:[^"\\]|\\[\s\S])*"|#?\s*[A-Za-z_]\w*|\{/g;
const COMMENT_EDGE = /\/\*|\*\//g;
const BLOCK_STARTS = new Set(['if', 'ifdef', 'ifndef', 'while', 'for', 'switch', 'macro']);

/** @param text  of the whole file, one character per byte. */
export function readSourceText(text: string): SourceText {
  const words = new Set<string>();
  const strings: SourceString[] = [];
  const declarations = new Declarations();
  let hasCamera = false;
  let last = '';
  let before = '';
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [token] = match;
    if (token.startsWith('//')) continue;
    if (token === '/*') {
      TOKEN.lastIndex = endOfComment(text, TOKEN.lastIndex);
      continue;
    }
    if (token === '{') hasCamera ||= last === 'camera';
    if (token.startsWith('"'))
      strings.push({ text: unescaped(token.slice(1, -1)), after: before === 'fopen' ? before : last });
    // A block's name goes on to count for the string that it begins with: image_map { "bark.png" }.
    if (token === '{') continue;
    if (token.startsWith('"')) {
      last = '';
      continue;
    }
    before = last;
    last = token.replace(/^#?\s*/, '');
    words.add(last);
    declarations.add(last, token.startsWith('#'));
  }
  return { words, strings, hasCamera, declarations: declarations.byName };
}

/** Tells which declaration a word belongs to. */
class Declarations {
  readonly byName = new Map<string, Set<string>>([['', new Set()]]);
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
    this.byName.get(this.#name)!.add(word);
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
    if (!this.byName.has(name)) this.byName.set(name, new Set());
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

/** Backslashes before quotes and backslashes; file names keep all others. */
function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, '$1');
}
