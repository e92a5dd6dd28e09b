/** A package is complete before anything is done with it: every blob is in the store, in the size that is claimed. */
import type { PackageManifest } from '#shared/domain/scene-package.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { BlobStore } from '../adapters/store/blob-store.js';

/**
 * @param field proto name of the manifest, for messages.
 * @throws BLOBS_MISSING, JOB_SPEC_INVALID
 */
export async function assertBlobs(
  blobs: Pick<BlobStore, 'sizeOf'>,
  manifest: PackageManifest,
  field: string,
): Promise<void> {
  const missing: string[] = [];
  let totalBytes = 0;
  for (const file of manifest.files) {
    totalBytes += file.sizeBytes;
    const heldBytes = await blobs.sizeOf(file.digest);
    if (heldBytes === undefined) missing.push(file.path);
    else if (heldBytes !== file.sizeBytes)
      throw new FarmError(
        'JOB_SPEC_INVALID',
        `${field}.files: "${file.path}" is listed with ${file.sizeBytes} bytes, but its digest belongs to a file of ${heldBytes} bytes`,
      );
  }
  if (totalBytes > LIMITS.packageBytesMax)
    throw new FarmError(
      'JOB_SPEC_INVALID',
      `${field}: the package has ${totalBytes} bytes; at most ${LIMITS.packageBytesMax} are taken`,
    );
  if (missing.length > 0)
    throw new FarmError(
      'BLOBS_MISSING',
      `${missing.length} of ${manifest.files.length} files of the package are not in the store (first: "${missing[0]}"); upload them, then try again`,
      { missing: missing.length },
    );
}
