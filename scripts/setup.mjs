// Sets up a checkout: npm packages and the build. Asks the file system's times only, so that a checkout that is ready
// costs milliseconds. An installed npm package brings its build and has its packages beside it: nothing to do there.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setupLock } from './setup-lock.mjs';
import { SOURCE_FOLDERS } from './source-folders.mjs';

const FILES_THAT_SHAPE_THE_BUILD = [
  'tsconfig.json',
  'package.json',
  'scripts/build.mjs',
  'scripts/source-folders.mjs',
];

/**
 * Does what is missing, one process at a time; progress goes to stderr.
 * @returns false when a step failed: the reason is printed and the exit code set.
 */
export async function setUp(root) {
  if (!isCheckout(root) || !isAnythingMissing(root)) return true;
  const stateFolder = join(root, '.guian');
  const release = await setupLock(stateFolder, say);
  try {
    // Asked again: another process may have done it while this one waited.
    if (packagesAreMissing(root)) await installPackages(root, stateFolder);
    if (buildIsOld(root)) await build(root, stateFolder);
    return true;
  } catch (error) {
    say(error instanceof SetupError ? error.message : `set-up failed: ${error.stack}`);
    process.exitCode = 2;
    return false;
  } finally {
    release();
  }
}

export class SetupError extends Error {}

export function say(line) {
  process.stderr.write(`guian: ${line}\n`);
}

function isCheckout(root) {
  return existsSync(join(root, 'shared', 'errors.ts'));
}

function isAnythingMissing(root) {
  return packagesAreMissing(root) || buildIsOld(root);
}

/**
 * npm writes node_modules/.package-lock.json when an installation is complete. A node_modules that is a link belongs to
 * another checkout: npm would empty that one.
 */
export function packagesAreMissing(root) {
  if (lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return false;
  const lock = modifiedMs(join(root, 'package-lock.json'));
  return lock > modifiedMs(join(root, 'node_modules', '.package-lock.json'));
}

/** dist/.built carries the time at which the last good build began. Folders count too: a deleted file changes them. */
export function buildIsOld(root) {
  const builtMs = modifiedMs(join(root, 'dist', '.built'));
  if (builtMs === 0 || !existsSync(join(root, 'dist', 'cli', 'main.js'))) return true;
  if (FILES_THAT_SHAPE_THE_BUILD.some((file) => modifiedMs(join(root, file)) > builtMs)) return true;
  return SOURCE_FOLDERS.some((folder) => hasNewer(join(root, folder), builtMs));
}

function hasNewer(folder, builtMs) {
  if (!existsSync(folder)) return false;
  if (modifiedMs(folder) > builtMs) return true;
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return hasNewer(path, builtMs);
    return /\.(ts|py)$/.test(entry.name) && modifiedMs(path) > builtMs;
  });
}

function modifiedMs(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

export async function installPackages(root, stateFolder) {
  const npm = findProgram('npm', dirname(process.execPath));
  if (npm === undefined) {
    throw new SetupError(
      'npm is not on PATH, so the packages cannot be installed; install it (sudo apt-get install npm) and run the same command again',
    );
  }
  await step(
    'installing npm packages',
    npm,
    ['ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'],
    {
      root,
      log: join(stateFolder, 'npm-ci.log'),
      wayOut: 'check the network, then run the same command again',
    },
  );
}

export async function build(root, stateFolder) {
  await step('building', process.execPath, [join(root, 'scripts', 'build.mjs')], {
    root,
    log: join(stateFolder, 'build.log'),
    wayOut: 'fix the source named above, or fetch a clean checkout',
  });
}

/** Runs one program with its output in a log. @throws SetupError with the end of the log and the way out. */
export async function step(what, program, args, { root, log, wayOut, env = process.env }) {
  mkdirSync(dirname(log), { recursive: true });
  const startedMs = Date.now();
  say(`${what} …`);
  const out = openSync(log, 'w');
  const result = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', out, out], env });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
  });
  closeSync(out);
  if (result !== undefined) {
    const tail = readFileSync(log, 'utf8').trim().split('\n').slice(-15).join('\n  ');
    throw new SetupError(`${what} failed (${result}):\n  ${tail}\nguian: full log: ${log}; ${wayOut}`);
  }
  say(`${what}: done in ${((Date.now() - startedMs) / 1000).toFixed(1)} s`);
}

export function findProgram(name, ...moreFolders) {
  return [...(process.env.PATH ?? '').split(delimiter), ...moreFolders]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
