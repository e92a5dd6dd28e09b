/**
 * Which files a glTF scene refers to, as package paths. The client builds the package from this list, the coordinator
 * compares it with the package, a node resolves URIs by it: all three must agree on how a URI becomes a path.
 */
import type { GLTF } from '@gltf-transform/core';
import { isPackagePath } from '../domain/scene-package.js';
import { FarmError } from '../errors.js';
import { parseGltf } from './parse-gltf.js';

export interface SceneDependency {
  /** Package path: percent-decoded, normalised, from the package's root (where `fileName` starts, too). */
  readonly path: string;
  /** As the file has it. */
  readonly uri: string;
  /** Who refers to it, for messages: `buffer 0`, `image 3 "bark"`. */
  readonly what: string;
}

export interface TracedGltf {
  readonly json: GLTF.IGLTF;
  readonly kind: 'gltf' | 'glb';
  /** The GLB's binary chunk. */
  readonly binary: Uint8Array | null;
  /** In file order, one per reference: two images may share a path. */
  readonly dependencies: readonly SceneDependency[];
}

/**
 * @param fileName  package path of the scene file; URIs are relative to its folder.
 * @throws SCENE_INVALID, SCENE_UNSUPPORTED, SCENE_PATH_ESCAPES.
 */
export function traceGltf(fileName: string, bytes: Uint8Array): TracedGltf {
  const { kind, json, binary } = parseGltf(fileName, bytes);
  const dependencies: SceneDependency[] = [];
  const collect = (list: unknown, noun: string) => {
    for (const [index, item] of ((list ?? []) as unknown[]).entries()) {
      const { uri, name } = (item ?? {}) as { uri?: unknown; name?: unknown };
      if (uri === undefined) continue;
      const what = `${noun} ${index}${typeof name === 'string' && name ? ` "${shown(name)}"` : ''}`;
      if (typeof uri !== 'string') throw invalid(`${fileName}: the URI of ${what} is not a text`);
      if (/^data:/i.test(uri)) continue;
      dependencies.push({ path: resolveUri(fileName, uri, what), uri, what });
    }
  };
  collect(json.buffers, 'buffer');
  collect(json.images, 'image');
  return { json, kind, binary, dependencies };
}

function resolveUri(fileName: string, uri: string, what: string): string {
  const refuse = (why: string) =>
    new FarmError(
      'SCENE_PATH_ESCAPES',
      `${fileName}: ${what} refers to "${shown(uri)}", ${why}; use a relative path inside the package`,
      { fileName, uri: shown(uri) },
    );
  let decoded: string;
  try {
    decoded = decodeURIComponent(uri);
  } catch {
    throw invalid(
      `${fileName}: ${what} has the URI "${shown(uri)}", whose percent-encoding is broken; write % as %25`,
    );
  }
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(decoded)) throw refuse('which is not a file of this package');
  if (decoded.startsWith('/')) throw refuse('which is an absolute path');
  if (decoded.includes('\\')) throw refuse('which has a backslash');

  const parts = fileName.split('/').slice(0, -1);
  for (const part of decoded.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw refuse('which leaves the package');
  }
  const path = parts.join('/');
  if (!isPackagePath(path)) throw refuse('which is no usable file name');
  return path;
}

function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters would break the one-line message.
  return text.replace(/[\u0000-\u001f\u007f]/g, '?').slice(0, 120);
}

function invalid(message: string): FarmError {
  return new FarmError('SCENE_INVALID', message);
}
