/**
 * Which files of this machine a package may hold. Scenes come from strangers, and what they name is not what their user
 * wants to give away: keys and settings lie in hidden folders.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { commonFolder, isWholeDisk, pathBelow } from './package-root.js';

/**
 * By the paths alone: what lies below the scene's folder, and from elsewhere what is not below a hidden folder of the
 * deepest one that holds both, unless that is the whole disk.
 * @param file, scene  absolute.
 */
export function mayBeSent(file: string, scene: string): boolean {
  if (pathBelow(dirname(scene), file) !== undefined) return true;
  const common = commonFolder([scene, file]);
  return !isWholeDisk(common) && !isHidden(pathBelow(common, file)!);
}

/**
 * Also of where links lead: a link into a hidden folder, or to another disk, is no way around.
 * @returns false for a file that is not there.
 */
export async function mayBeSentFromDisk(file: string, scene: string): Promise<boolean> {
  if (!mayBeSent(file, scene)) return false;
  const [target, folder] = await Promise.all([realpath(file), realpath(dirname(scene))]).catch(() => []);
  return target !== undefined && folder !== undefined && mayBeSent(target, join(folder, basename(scene)));
}

const isHidden = (path: string): boolean => path.split('/').some((part) => part.startsWith('.'));
