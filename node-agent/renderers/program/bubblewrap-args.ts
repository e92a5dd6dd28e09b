/**
 * The walls around a program, as arguments of bubblewrap: what it may see of the machine, as a pure function. It has no
 * network, no other processes, no devices; it reads the system's programs and the folders it is given, and writes one.
 * Source: bwrap(1), 0.4 and later.
 */
import { dirname } from 'node:path';

export interface Walls {
  /** Resolved, without symbolic links. */
  readonly executable: string;
  readonly readableFolders: readonly string[];
  /** Files of /dev that it may use beside those that every program has; with any of them it may read /sys too. */
  readonly devices?: readonly string[];
  readonly scratchFolder: string;
  /** A folder below the scratch folder that is /tmp inside: what lies there is disk, not memory that nobody counts. */
  readonly temporaryFolder: string;
}

/** Programs, libraries and their data. On most machines all but the first are links into it. */
const SYSTEM_FOLDERS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];
/** Of /etc only what programs need to start: no accounts, no names of machines, no keys. */
const SYSTEM_SETTINGS = [
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/alternatives',
  '/etc/fonts',
  '/etc/localtime',
  '/etc/povray',
];
/** nobody: what the program does by mistake it does not do as the agent's user. Files still open as the agent's. */
const NOBODY = '65534';

/** @returns arguments up to and with `--`; the program's path and its own arguments follow. */
export function bubblewrapArgs(walls: Walls): string[] {
  const { readableFolders, devices = [], scratchFolder, temporaryFolder } = walls;
  const readTry = (path: string) => ['--ro-bind-try', path, path];
  return [
    ...['--unshare-all', '--unshare-user', '--uid', NOBODY, '--gid', NOBODY, '--hostname', 'guian'],
    ...['--die-with-parent', '--new-session', '--cap-drop', 'ALL'],
    ...SYSTEM_FOLDERS.flatMap(readTry),
    ...SYSTEM_SETTINGS.flatMap(readTry),
    // Blender looks there for the file systems, and complains in its log where it is missing.
    ...['--symlink', '/proc/self/mounts', '/etc/mtab'],
    ...['--proc', '/proc', '--dev', '/dev'],
    ...devices.flatMap((path) => ['--dev-bind-try', path, path]),
    ...(devices.length > 0 ? readTry('/sys') : []),
    ...['--remount-ro', '/dev'],
    ...['--bind', temporaryFolder, '/tmp'],
    ...programFolders(walls.executable).flatMap((path) => ['--ro-bind', path, path]),
    ...readableFolders.flatMap((folder) => ['--ro-bind', folder, folder]),
    // After the readable ones, so that it stays writable inside of one.
    ...['--bind', scratchFolder, scratchFolder],
    // The root is a tmpfs: left writable it would be memory that nobody counts.
    ...['--remount-ro', '/', '--chdir', scratchFolder, '--'],
  ];
}

/**
 * What must be seen of an executable outside the system's folders: the folder it is in, with the libraries beside it, as
 * /opt/blender-3.6; the file alone where that folder would show a whole home or a top folder.
 */
function programFolders(executable: string): string[] {
  if (SYSTEM_FOLDERS.some((folder) => executable.startsWith(`${folder}/`))) return [];
  const folder = dirname(executable);
  const depth = folder.split('/').filter((part) => part !== '').length;
  const isBroad = depth < 2 || dirname(folder) === '/home';
  return [isBroad ? executable : folder];
}
