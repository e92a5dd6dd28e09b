// `npm test`: sets up what is missing, then builds, judges (types, lint, boundaries) and runs every test. Plain Node
// until the packages are there. Arguments go to vitest: `npm test -- dist/shared`. Vitest's own summary comes last.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findProgram, packagesAreMissing, say, setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/**
 * By program, or by a file, the Debian package that brings it. The EXR tools judge our files; Blender and POV-Ray render for golden
 * tests, inside bubblewrap. Blender is 170 packages and about a minute.
 */
const WANTED = {
  exrheader: 'openexr',
  oiiotool: 'openimageio-tools',
  bwrap: 'bubblewrap',
  povray: 'povray',
  '/usr/share/povray-3.7/include/arrays.inc': 'povray-includes',
  blender: 'blender',
};

process.exitCode = await main();

async function main() {
  if (!(await setUp(root))) return process.exitCode ?? 2;
  if (packagesAreMissing(root)) return 2;
  await buildAgain();
  if (!(await nativeTools())) return 2;
  const judged = await judge();
  const args = process.argv.slice(2);
  const tested = await run('vitest', ['run', ...args]);
  // Said after the tests too, or nobody would scroll up for it; vitest's summary stays the last thing when all is well.
  for (const name of judged) say(`FAILED before the tests: ${name}; its output is above`);
  return tested !== 0 ? tested : judged.length > 0 ? 1 : 0;
}

/** Always: a file whose time went backwards (a restored backup) would pass the quick check of `setUp`. */
async function buildAgain() {
  const code = await run(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  if (code !== 0) process.exit(code);
}

/** @returns the names of the judges that were not content. */
async function judge() {
  const failed = [];
  const judges = {
    'tsc (types)': ['tsc', '--noEmit'],
    'biome (format, lint)': ['biome', 'check', '.'],
    'dependency-cruiser (boundaries)': [
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      'shared',
      'coordinator',
      'node-agent',
      'cli',
    ],
  };
  for (const [name, [program, ...args]] of Object.entries(judges)) {
    say(`${name} …`);
    if ((await run(program, args)) !== 0) failed.push(name);
  }
  return failed;
}

/** nats-server is needed; the others are wanted: tests that need one say so where it is missing. */
async function nativeTools() {
  const { ensureNatsServer } = await import(
    pathToFileURL(join(root, 'dist', 'cli', 'farm', 'ensure-nats-server.js')).href
  );
  try {
    await ensureNatsServer();
  } catch (error) {
    say(error.message);
    return false;
  }
  const isMissing = ([what]) => (what.startsWith('/') ? !existsSync(what) : findProgram(what) === undefined);
  const missing = Object.entries(WANTED).filter(isMissing);
  if (missing.length === 0) return true;
  const why = installDebianPackages(missing.map(([, name]) => name));
  for (const [what, name] of missing.filter(isMissing))
    say(
      `${what} is not here and cannot be installed (${why}), so tests that need it do not run; install it with: sudo apt-get install -y --no-install-recommends ${name}`,
    );
  return true;
}

/** @returns why not, when it could not. */
function installDebianPackages(names) {
  if (findProgram('apt-get') === undefined) return 'no apt-get on this machine';
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (sudo.length > 0 && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0)
    return 'needs root';
  const apt = (...args) => {
    const [command, ...rest] = [...sudo, 'apt-get', ...args];
    return spawnSync(command, rest, {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  };
  say(`installing ${names.join(', ')} …`);
  const install = () => apt('install', '-y', '--no-install-recommends', ...names);
  let result = install();
  // A fresh container has no lists of packages, an old one has lists of packages that are gone.
  if (result.status !== 0 && apt('update').status === 0) result = install();
  if (result.status === 0) return undefined;
  return (result.stderr ?? '').trim().split('\n').at(-1) || `apt-get ended with ${result.status}`;
}

function run(program, args) {
  const path = program === process.execPath ? program : join(root, 'node_modules', '.bin', program);
  return new Promise((resolve) => {
    const child = spawn(path, args, { cwd: root, stdio: 'inherit' });
    child.once('error', (error) => {
      say(`${program} cannot be started (${error.message}); restore the packages with: npm ci`);
      resolve(2);
    });
    child.once('exit', (code, signal) => resolve(signal ? 1 : (code ?? 1)));
  });
}
