/** Where a package begins on this machine's disk: the deepest folder that holds the scene and every file it needs. */
import { dirname, isAbsolute, join, parse, relative, sep } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';

/**
 * A package of the whole file system is none: its paths would say where a studio's disks are mounted, and a scene could
 * name any file there is.
 */
export const isWholeDisk = (folder: string): boolean => folder === parse(folder).root;

/** @param files  absolute, at least one. @returns the deepest folder that holds all of them. */
export function commonFolder(files: readonly string[]): string {
  let common = dirname(files[0]!);
  for (const file of files) while (!isBelow(common, file)) common = dirname(common);
  return common;
}

/** @returns the widest folder that may be a package's root for this file, such as `/home` for `/home/ann/shot.blend`. */
export function widestRoot(file: string): string {
  let folder = dirname(file);
  while (!isWholeDisk(folder) && !isWholeDisk(dirname(folder))) folder = dirname(folder);
  return folder;
}

/** @returns `/`-separated, from `root`; undefined when the file is not below it. */
export function pathBelow(root: string, file: string): string | undefined {
  return isBelow(root, file) ? relative(root, file).split(sep).join('/') : undefined;
}

/** Absolute, of a path in the package. */
export const fileBelow = (root: string, path: string): string => join(root, ...path.split('/'));

function isBelow(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

/**
 * The root with which the search for a scene's files begins.
 * @param given  `--root`, absolute.
 * @throws USAGE_INVALID when the scene is not below it, or it cannot be a root.
 */
export function firstRoot(scene: string, given: string | undefined): string {
  const root = given ?? dirname(scene);
  const subject = given === undefined ? `scene ${scene}` : `--root ${given}`;
  if (isWholeDisk(root))
    throw new FarmError(
      'USAGE_INVALID',
      `${subject}: a package cannot begin at ${root}; put the scene and its files into a folder`,
    );
  if (root.length > LIMITS.packagePathCharsMax)
    throw new FarmError(
      'USAGE_INVALID',
      `${subject}: the package's folder ${root} has more than ${LIMITS.packagePathCharsMax} characters; work in a shorter path`,
    );
  if (pathBelow(root, scene) === undefined)
    throw new FarmError(
      'USAGE_INVALID',
      `${subject}: the scene ${scene} is not below it; name a folder that holds it`,
    );
  return root;
}
