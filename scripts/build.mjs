// Compiles every TypeScript source to dist/, file by file and without bundling, so that stack traces, worker entries
// and package subpaths keep their names. esbuild strips types in well under a second; `npm run typecheck` judges them.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { SOURCE_FOLDERS } from './source-folders.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// A source that changes while this runs must look newer than the build.
const startedAt = new Date();

const sources = [];
const copied = [];
for (const folder of SOURCE_FOLDERS) {
  if (!existsSync(join(root, folder))) continue;
  for (const entry of await readdir(join(root, folder), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && file.endsWith('.ts') && !file.endsWith('.d.ts')) sources.push(file);
    // Scripts that other programs run lie beside the code that starts them.
    if (entry.isFile() && file.endsWith('.py')) copied.push(file);
  }
}
await build({
  entryPoints: sources,
  outbase: root,
  outdir: join(root, 'dist'),
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
  tsconfig: join(root, 'tsconfig.json'),
});
for (const file of copied) {
  const target = join(root, 'dist', relative(root, file));
  await mkdir(dirname(target), { recursive: true });
  await copyFile(file, target);
}
await removeOrphans();
await mkdir(join(root, 'dist'), { recursive: true });
const marker = join(root, 'dist', '.built');
await writeFile(marker, `${sources.length} files\n`);
await utimes(marker, startedAt, startedAt);

/** A renamed or deleted source must not live on in dist/, least of all a test. */
async function removeOrphans() {
  const wanted = new Set([
    ...sources.map((source) => relative(root, source).replace(/\.ts$/, '.js')),
    ...copied.map((file) => relative(root, file)),
  ]);
  for (const entry of await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
    const name = relative(join(root, 'dist'), join(entry.parentPath, entry.name));
    if (entry.isFile() && name.match(/\.(js(\.map)?|py)$/) && !wanted.has(name.replace(/\.map$/, ''))) {
      await rm(join(root, 'dist', name));
    }
  }
}
