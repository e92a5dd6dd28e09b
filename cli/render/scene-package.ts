/**
 * The scene package of a file on this machine: the scene, every file it refers to, and the environment map. Checked
 * here, where the user can still see what is wrong, and hashed; nothing is copied.
 */
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { digestSchema } from '#shared/domain/ids.js';
import { isPackagePath, type PackageFile, type PackageManifest } from '#shared/domain/scene-package.js';
import { type ErrorCode, FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { RenderFlags } from './render-flags.js';

export interface ScenePackage {
  readonly manifest: PackageManifest;
  /** Each of the manifest's files by digest: where it is on this machine, or its bytes. */
  readonly fileOf: ReadonlyMap<string, string | Buffer>;
  readonly environment: { readonly kind: string; readonly path: string };
  /** Scene file's name without its extension. */
  readonly name: string;
}

const SYNTHETIC_ENTRY = 'synthetic.json';
const HASHES_AT_ONCE = 4;

/** @throws SCENE_FILE_MISSING, SCENE_INVALID, SCENE_PATH_ESCAPES, … each naming the file. */
export async function scenePackage(scene: string | undefined, flags: RenderFlags): Promise<ScenePackage> {
  if (scene === undefined) {
    if (flags.renderer === 'synthetic') return syntheticPackage();
    throw new FarmError('USAGE_INVALID', 'no scene given; name a .gltf or .glb file: guian render scene.glb');
  }
  const entry = basename(scene);
  const files = new Map([[entry, resolve(scene)]]);
  await checkReadable(resolve(scene), `scene ${scene}`, 'SCENE_FILE_MISSING');
  if (!isPackagePath(entry)) {
    throw new FarmError('SCENE_INVALID', `scene ${scene}: its name cannot be used in a package; rename it`);
  }
  if (flags.renderer === 'synthetic') {
    const environment = { kind: 'auto', path: '' };
    return { ...(await hashFiles(entry, files)), environment, name: entry.replace(/\.[^.]*$/, '') || entry };
  }
  const { traceGltf } = await import('#shared/gltf/trace-dependencies.js');
  const { dependencies } = traceGltf(entry, await readScene(scene));
  for (const { path, uri, what } of dependencies) {
    const file = join(dirname(resolve(scene)), path);
    await checkReadable(file, `${entry}: ${what} refers to "${uri}", and ${file}`, 'SCENE_FILE_MISSING');
    files.set(path, file);
  }
  const environment = await addEnvironment(files, flags);
  const { manifest, fileOf } = await hashFiles(entry, files);
  return { manifest, fileOf, environment, name: entry.replace(/\.(gltf|glb)$/i, '') || entry };
}

/** The synthetic renderer needs no scene file (one only says which tiles go wrong), but a job always has one. */
function syntheticPackage(): ScenePackage {
  const content = Buffer.from('{}\n');
  const digest = digestSchema.parse(createHash('sha256').update(content).digest('hex'));
  return {
    manifest: {
      entry: SYNTHETIC_ENTRY,
      files: [{ path: SYNTHETIC_ENTRY, digest, sizeBytes: content.length }],
    },
    fileOf: new Map([[digest, content]]),
    environment: { kind: 'auto', path: '' },
    name: 'synthetic',
  };
}

async function readScene(scene: string): Promise<Uint8Array> {
  const { size } = await stat(scene);
  // Beyond 2 GiB Node cannot read a file at once, and a GLB's own length field ends at 4 GiB.
  if (size > 2 ** 31 - 1) {
    throw new FarmError(
      'SCENE_INVALID',
      `scene ${scene}: ${size} bytes is more than the 2 GiB that one scene file may have; keep buffers and textures in files of their own (.gltf)`,
    );
  }
  return readFile(scene);
}

async function addEnvironment(
  files: Map<string, string>,
  flags: RenderFlags,
): Promise<ScenePackage['environment']> {
  if (flags.env.kind !== 'file') return { kind: flags.env.kind, path: '' };
  const file = resolve(flags.env.file);
  await checkReadable(file, `--env ${flags.env.file}`, 'SCENE_FILE_MISSING');
  let path = `environment/${basename(file)}`;
  // The scene may have a file of that name itself.
  while (files.has(path) && files.get(path) !== file) path = path.replace(/([^/]*)$/, '_$1');
  if (!isPackagePath(path)) {
    throw new FarmError(
      'USAGE_INVALID',
      `--env ${flags.env.file}: its name cannot be used in a package; rename it`,
    );
  }
  files.set(path, file);
  return { kind: 'file', path };
}

async function checkReadable(file: string, subject: string, code: ErrorCode): Promise<void> {
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === 'ENOENT' || error.code === 'ENOTDIR'
        ? 'does not exist'
        : `cannot be read (${error.code})`;
    throw new FarmError(code, `${subject} ${why}; check the path`, { file }, { cause: error });
  });
  if (!info.isFile())
    throw new FarmError(code, `${subject} is not a file; name the .gltf or .glb itself`, { file });
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new FarmError(
      code,
      `${subject} may not be read by this user; check its permissions`,
      { file },
      { cause },
    );
  });
}

async function hashFiles(entry: string, files: ReadonlyMap<string, string>) {
  if (files.size > LIMITS.packageFilesMax) {
    throw new FarmError(
      'SCENE_INVALID',
      `${entry} refers to ${files.size} files; a package has at most ${LIMITS.packageFilesMax}`,
    );
  }
  const limit = pLimit(HASHES_AT_ONCE);
  const fileOf = new Map<string, string>();
  const list = await Promise.all(
    [...files].map(([path, file]) =>
      limit(async (): Promise<PackageFile> => {
        const hash = createHash('sha256');
        let sizeBytes = 0;
        await pipeline(
          createReadStream(file, { highWaterMark: 2 ** 20 }),
          async (chunks: AsyncIterable<Buffer>) => {
            for await (const chunk of chunks) {
              hash.update(chunk);
              sizeBytes += chunk.length;
            }
          },
        );
        const digest = digestSchema.parse(hash.digest('hex'));
        fileOf.set(digest, file);
        return { path, digest, sizeBytes };
      }),
    ),
  );
  return { manifest: { entry, files: list } satisfies PackageManifest, fileOf };
}
