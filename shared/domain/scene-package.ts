/** A scene package: the scene file and everything that it refers to, as a manifest over content-addressed blobs. */
import { z } from 'zod';
import { LIMITS } from '../limits.js';
import { digestSchema } from './ids.js';

/** Relative, `/`-separated, normalised, inside the package; no control characters, no drive letters, no backslashes. */
export function isPackagePath(path: string): boolean {
  if (path.length === 0 || path.length > LIMITS.packagePathCharsMax) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses.
  if (/[\u0000-\u001f\u007f\\]/.test(path) || /^[A-Za-z]:/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

const packagePathSchema = z
  .string()
  .refine(isPackagePath, 'a package path is relative, normalised and inside the package');

export const packageFileSchema = z.strictObject({
  path: packagePathSchema,
  digest: digestSchema,
  sizeBytes: z.int().min(0).max(LIMITS.packageBytesMax),
});

export const packageManifestSchema = z
  .strictObject({
    entry: packagePathSchema,
    files: z.array(packageFileSchema).min(1).max(LIMITS.packageFilesMax),
  })
  .refine(
    (manifest) => manifest.files.some((file) => file.path === manifest.entry),
    'the entry is not among the files',
  )
  .refine(
    (manifest) => new Set(manifest.files.map((file) => file.path)).size === manifest.files.length,
    'a path is listed twice',
  );

export type PackageFile = Readonly<z.infer<typeof packageFileSchema>>;
export type PackageManifest = Readonly<z.infer<typeof packageManifestSchema>>;
