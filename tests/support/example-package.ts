/** The examples of programs' scenes as packages: what a studio would upload, and the same on disk for a reference. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalScene } from '#node-agent/renderers/renderer.js';

const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

export interface ExamplePackage {
  readonly scene: LocalScene;
  readonly manifest: { entry: string; files: { path: string; digest: string; sizeBytes: number }[] };
  readonly blobs: readonly Buffer[];
}

export const SHOT: ExamplePackage = examplePackage('shot', [
  'shot.blend',
  'library/lanterns.blend',
  'textures/lantern-paper.png',
  'textures/roof-tiles.png',
  'textures/stone.png',
]);

export const TEA: ExamplePackage = examplePackage('tea', ['tea.pov', 'tea.ini', 'teaware.inc', 'wood.png']);

/** @param paths  the scene file first. */
function examplePackage(name: string, paths: readonly string[]): ExamplePackage {
  const folder = join(EXAMPLES, name);
  const blobs = paths.map((path) => readFileSync(join(folder, path)));
  const files = paths.map((path, at) => ({
    path,
    digest: createHash('sha256').update(blobs[at]!).digest('hex'),
    sizeBytes: blobs[at]!.length,
  }));
  const entry = paths[0]!;
  return { scene: { folder, entry }, manifest: { entry, files }, blobs };
}
