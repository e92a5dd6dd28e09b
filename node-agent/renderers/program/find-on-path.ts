/** Programs by name: where the search path has them. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put them, beside the agent's own PATH: a service manager's PATH may be short. */
const USUAL_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** @returns the absolute path of the first executable file of that name. */
export function findOnPath(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...USUAL_FOLDERS];
  for (const folder of folders) {
    if (!folder.startsWith('/')) continue;
    const path = join(folder, name);
    if (whyNotExecutable(path) === undefined) return path;
  }
  return undefined;
}

/** @returns one line that says why `path` cannot be started, or undefined when it can. */
export function whyNotExecutable(path: string): string | undefined {
  try {
    if (!statSync(realpathSync(path)).isFile()) return `${path} is not a file`;
    accessSync(path, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `${path} is not there`;
    if (code === 'EACCES') return `${path} may not be executed`;
    return `${path} cannot be started: ${code ?? String(error)}`;
  }
}
