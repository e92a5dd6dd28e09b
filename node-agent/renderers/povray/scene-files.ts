/**
 * The files of a scene, found in its text and by its renderer: where each reference leads, what it is for, and the texts
 * among them. References are searched for as a node does it: beside the scene, then from the package's root, then in
 * POV-Ray's own library, which is part of every installation and of no package.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, relative, sep } from 'node:path';
import type { SceneFile } from '#shared/domain/scene-inspection.js';
import { isPackagePath } from '#shared/domain/scene-package.js';
import { LIMITS } from '#shared/limits.js';
import { SourceReader } from './scene-sources.js';
import type { SourceFile } from './scene-traits.js';
import { FILE_WORDS, type SourceString } from './source-text.js';

/** What POV-Ray adds to a name without one, for whatever it looks for. */
const EXTENSIONS = ['inc', 'pov', 'png', 'jpg', 'jpeg', 'gif', 'tga', 'ppm', 'pgm', 'tif', 'tiff'];
const MORE_EXTENSIONS = ['exr', 'hdr', 'iff', 'df3', 'ttf', 'ttc', 'mcr', 'txt'];
const NAMES_TRIED = ['', ...[...EXTENSIONS, ...MORE_EXTENSIONS].map((extension) => `.${extension}`)];

export type Place =
  | { readonly kind: 'package'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'library' }
  | { readonly kind: 'outside'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'missing' };

export class SceneFiles {
  /** By path in the package. */
  readonly #found = new Map<string, SceneFile>();
  readonly #others = new Map<string, SceneFile>();
  readonly #sources = new Map<string, SourceFile>();
  /** Names that stand where a file is named, and lead nowhere: perhaps in a branch that is never taken. */
  readonly #leadingNowhere: string[] = [];
  readonly #folder: string;
  readonly #entry: string;
  readonly #libraries: readonly string[];
  readonly #looksOutside: boolean;
  readonly #reader: SourceReader;
  /** By name as in the text. */
  readonly #kinds = new Map<string, string>();

  /** @param looksOutside  see `PovrayInspectOptions`. */
  constructor(folder: string, entry: string, libraries: readonly string[], looksOutside: boolean) {
    this.#folder = folder;
    this.#reader = new SourceReader(folder);
    this.#entry = entry;
    this.#libraries = libraries;
    this.#looksOutside = looksOutside;
  }

  /** Package paths, the scene file among them once its text was added. */
  paths(): string[] {
    return [...new Set([this.#entry, ...this.#found.keys()])];
  }

  /** Texts of the package. */
  sources(): SourceFile[] {
    return [...this.#sources.values()];
  }

  files(): SceneFile[] {
    return [...this.#found.values(), ...this.#others.values()];
  }

  /** The text and every file that is literally named in it, and in what it includes. */
  async addText(path: string, text: string): Promise<void> {
    if (this.#sources.has(path)) return;
    const file = { path, text };
    this.#sources.set(path, file);
    for (const named of this.#reader.search(file).strings) await this.#addNamed(named);
  }

  /**
   * A file that the renderer could not find among those known.
   * @returns whether it is one of the package, so that another run gets further.
   */
  async addMissed(reference: string): Promise<boolean> {
    const place = await this.find(reference);
    const before = this.#found.size;
    await this.#add(reference, place);
    if (place.kind === 'package') await this.#addSequence(place.path);
    if (place.kind === 'missing')
      // The run has ended there; what else is named and not there will be missed too.
      for (const name of this.#leadingNowhere) await this.#add(name, { kind: 'missing' });
    return this.#found.size > before;
  }

  /** @param kind  e.g. `settings file`. */
  async addIfThere(path: string, kind: string): Promise<void> {
    const sizeBytes = await sizeOf(join(this.#folder, path));
    this.#kinds.set(path, kind);
    if (sizeBytes !== undefined) await this.#add(path, { kind: 'package', path, sizeBytes });
  }

  /** Where a reference leads. */
  async find(reference: string): Promise<Place> {
    if (reference === '' || reference.includes('\0')) return { kind: 'missing' };
    let outside: Place | undefined;
    let mayBeInside = false;
    for (const ending of basename(reference).includes('.') ? [''] : NAMES_TRIED) {
      const name = `${reference}${ending}`;
      const starts = isAbsolute(name) ? ['/'] : [join(this.#folder, dirname(this.#entry)), this.#folder];
      for (const start of starts) {
        const absolute = normalize(join(start, name));
        const path = relative(this.#folder, absolute);
        const isOutside = path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path);
        mayBeInside ||= !isOutside;
        if (isOutside && !this.#looksOutside) outside ??= { kind: 'outside', path: absolute, sizeBytes: 0 };
        if (isOutside && !this.#looksOutside) continue;
        const sizeBytes = await sizeOf(absolute);
        if (sizeBytes === undefined) continue;
        if (!isOutside) return { kind: 'package', path, sizeBytes };
        outside ??= { kind: 'outside', path: absolute, sizeBytes };
      }
      for (const library of isAbsolute(name) ? [] : this.#libraries)
        if (normalize(name) === basename(name) && (await sizeOf(join(library, name))) !== undefined)
          return { kind: 'library' };
    }
    // Of one that would be in the package where the scene is, a client is told what is missing, not where a node has it.
    if (mayBeInside && !this.#looksOutside) return { kind: 'missing' };
    return outside ?? { kind: 'missing' };
  }

  async #addNamed({ text, after }: SourceString): Promise<void> {
    const isFile = Object.hasOwn(FILE_WORDS, after);
    // Any other string that is just the name of a file may be one that is opened.
    if (!isFile && !/\.\w{1,5}$/.test(text)) return;
    if (isFile) this.#kinds.set(text, FILE_WORDS[after]!);
    const place = await this.find(text);
    if (place.kind === 'package' || (isFile && place.kind !== 'missing')) await this.#add(text, place);
    else if (isFile) this.#leadingNowhere.push(text);
  }

  async #add(reference: string, place: Place): Promise<void> {
    const what = `${this.#kinds.get(reference) ?? 'file'} "${reference}"`;
    const known = this.#found.size + this.#others.size;
    if (place.kind === 'library' || known >= LIMITS.packageFilesMax) return;
    if (place.kind === 'package') {
      const { path, sizeBytes } = place;
      if (this.#found.has(path) || path === this.#entry) return;
      const named = isPackagePath(path) ? { path } : {};
      this.#found.set(path, { ...named, reference, what, state: 'found', sizeBytes });
      await this.addText(
        path,
        await this.#reader.read(path, this.#kinds.get(reference) === FILE_WORDS['include']),
      );
    } else if (place.kind === 'outside')
      this.#others.set(place.path, {
        reference: place.path,
        what,
        state: 'outside',
        sizeBytes: place.sizeBytes,
      });
    else if (!this.#others.has(reference))
      this.#others.set(reference, { reference, what, state: 'missing', sizeBytes: 0 });
  }

  /** The other pictures of a sequence: the same name with other digits. */
  async #addSequence(path: string): Promise<void> {
    const name = basename(path);
    if (!/\d/.test(name)) return;
    const pattern = new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\d+/g, '\\d+')}$`);
    const siblings = await readdir(join(this.#folder, dirname(path)), { withFileTypes: true });
    for (const sibling of siblings)
      if (sibling.isFile() && pattern.test(sibling.name))
        await this.addIfThere(join(dirname(path), sibling.name), 'picture of a sequence');
  }
}

/** @returns undefined when it is no file. */
async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
