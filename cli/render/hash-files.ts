/** Files of this machine → the manifest of a package: each is read once, in a stream, and known by its digest. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import { digestSchema } from '#shared/domain/ids.js';
import type { PackageFile, PackageManifest } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { checkReadable } from './check-readable.js';

export interface HashedFiles {
  readonly manifest: PackageManifest;
  /** Each of the manifest's files by digest: where it is on this machine, or its bytes. */
  readonly fileOf: ReadonlyMap<string, string | Buffer>;
}

type Fingerprint = Pick<PackageFile, 'digest' | 'sizeBytes'>;
/** By absolute path: files that were hashed before and do not need it again. */
export type KnownDigests = Map<string, Fingerprint>;

const HASHES_AT_ONCE = 4;

/**
 * @param files  package path → absolute file.
 * @throws SCENE_INVALID for too many files, SCENE_FILE_MISSING for one that cannot be read.
 */
export async function hashFiles(
  entry: string,
  files: ReadonlyMap<string, string>,
  known: KnownDigests = new Map(),
): Promise<HashedFiles> {
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
        const fingerprint = known.get(file) ?? (await hashFile(entry, file));
        known.set(file, fingerprint);
        fileOf.set(fingerprint.digest, file);
        return { path, ...fingerprint };
      }),
    ),
  );
  return { manifest: { entry, files: list }, fileOf };
}

async function hashFile(entry: string, file: string): Promise<Fingerprint> {
  await checkReadable(file, `${entry} needs ${file}, which`, 'SCENE_FILE_MISSING');
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
  return { digest: digestSchema.parse(hash.digest('hex')), sizeBytes };
}
