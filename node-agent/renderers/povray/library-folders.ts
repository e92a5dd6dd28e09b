/** Where an installed POV-Ray has its own include files. They are part of the installation, not of any package. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Installation } from '../program/program.js';

/** e.g. `3.7` */
export function languageVersion({ version }: Installation): string {
  return /^\d+\.\d+/.exec(version)?.[0] ?? '3.7';
}

/**
 * Existing folders only, in the order in which POV-Ray's own settings search them. Debian has the include files in a
 * package of their own, povray-includes.
 */
export function libraryFolders(installation: Installation): string[] {
  const prefix = dirname(dirname(realpathSync(installation.executable)));
  const base = join(prefix, 'share', `povray-${languageVersion(installation)}`);
  return [base, join(base, 'ini'), join(base, 'include')].filter((folder) => existsSync(folder));
}
