/** A scene folder: the manifest's paths as links to the cache's blobs, complete under its name or not there at all. */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Digest } from '#shared/domain/ids.js';
import { isPackagePath, type PackageManifest } from '#shared/domain/scene-package.js';
import { FarmError, messageOf } from '#shared/errors.js';

export const TEMPORARY_PREFIX = '.tmp-';

/** Equal packages have equal names, whatever the order of their files. Lower-case hex SHA-256. */
export function manifestDigest(manifest: PackageManifest): string {
  const files = manifest.files
    .map(({ path, digest, sizeBytes }) => [path, digest, sizeBytes] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([manifest.entry, files]))
    .digest('hex');
}

/**
 * Makes `folder` from blobs that are all there. Hard links: a package of gigabytes costs no copy.
 * @param blobFile  where a blob lies.
 * @throws SCENE_PATH_ESCAPES, SCENE_INVALID when two paths exclude each other (`a` and `a/b`).
 */
export async function makeSceneFolder(
  manifest: PackageManifest,
  folder: string,
  blobFile: (digest: Digest) => string,
): Promise<void> {
  // Checked for the whole manifest before the first write, though the schema checked it too: this is where it matters.
  for (const { path } of manifest.files) {
    if (!isPackagePath(path))
      throw new FarmError('SCENE_PATH_ESCAPES', `"${path}" is not a path inside a scene package`);
  }
  const temporary = join(dirname(folder), `${TEMPORARY_PREFIX}${randomUUID()}`);
  try {
    for (const { path, digest } of manifest.files) {
      const target = join(temporary, path);
      await mkdir(dirname(target), { recursive: true });
      await linkOrCopy(blobFile(digest), target);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'EEXIST' || code === 'EISDIR')
      throw new FarmError(
        'SCENE_INVALID',
        `the package names a file and a folder alike (${messageOf(error)})`,
        {},
        { cause: error },
      );
    throw error;
  }
}

/** File systems without hard links, too many links to one blob, another device below `scenes/`. */
const NO_LINK = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!NO_LINK.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await copyFile(from, to);
  }
}
