/**
 * The names of files that stand in a scene's own bytes. A node that reads a scene for a client says what it misses; this is
 * how the client knows that the scene asks for it, and not the node.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';

/** What may name further files: scenes, their includes and settings. */
const NAMING = /\.(blend|pov|inc|mac|mcr|ini)$/i;
/** Larger ones are not searched, as a string holds no more than 512 MiB; what they name counts as not named. */
const SEARCHED_BYTES_MAX = 256 * 1024 ** 2;
/** The last part of a path, up to the quote or NUL that ends it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: names in .blend files end at a NUL.
const NAME = /["/\\]([^"/\\\u0000-\u001f]{1,255})(?=["\u0000\r\n])/g;

/** Compressed files (zstd, gzip) show no names: nothing is named by them. */
export class NamedFiles {
  readonly #names = new Set<string>();
  readonly #searched = new Set<string>();

  /** @param files  absolute; each is searched once, and those of other kinds not at all. */
  async search(files: Iterable<string>): Promise<void> {
    for (const file of files) {
      if (this.#searched.has(file) || !NAMING.test(file)) continue;
      this.#searched.add(file);
      if ((await stat(file)).size > SEARCHED_BYTES_MAX) continue;
      for (const [, name] of (await readFile(file)).toString('latin1').matchAll(NAME))
        this.#names.add(pattern(name!));
    }
  }

  /** Also another picture of a sequence, or tile of a texture, that is named. */
  has(file: string): boolean {
    return this.#names.has(pattern(Buffer.from(basename(file)).toString('latin1')));
  }
}

/** `bark.1001.png`, `bark.1002.png` and `bark.<UDIM>.png` are one. */
const pattern = (name: string): string => name.replace(/<UDIM>|#+|\d+/g, '#');
