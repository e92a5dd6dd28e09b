// `npm run bench`: sets up what is missing, builds, then runs each benchmark in a process of its own.
// Words choose by name, flags are
// passed on: `npm run bench -- tile-cycle --record`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say, setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'dist', 'benchmarks');
const FLAGS = /^--(record|frames=[1-9]\d{0,3})$/;
const HELP = `Usage: npm run bench -- [NAME …] [--record] [--frames=N]

Runs the benchmarks whose name contains one of the words, or all of them (that takes minutes).
  --record    append the figures to benchmarks/results/
  --frames=N  fewer frames than the promise is about, where a benchmark has frames: for a quick look
`;

const given = process.argv.slice(2);
const wrong = given.find((arg) => arg.startsWith('-') && !FLAGS.test(arg));
if (given.some((arg) => arg === '--help' || arg === '-h')) process.stdout.write(HELP);
else if (wrong !== undefined) {
  say(`unknown option '${wrong}'; "npm run bench -- --help" tells more`);
  process.exitCode = 2;
} else process.exitCode = (await setUp(root)) ? runAll(given) : 2;

function runAll(args) {
  const flags = args.filter((arg) => arg.startsWith('--'));
  const wanted = args.filter((arg) => !arg.startsWith('--'));
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const names = files.flatMap((name) => /^(.+)\.bench\.js$/.exec(name)?.[1] ?? []).sort();
  const chosen = names.filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
  if (chosen.length === 0) {
    say(`no benchmark is called ${wanted.join(' or ')}; there are: ${names.join(', ') || 'none'}`);
    return 2;
  }
  const failed = chosen.filter((name) => {
    const run = [join(folder, 'run.js'), name, ...flags];
    return spawnSync(process.execPath, run, { cwd: root, stdio: 'inherit' }).status !== 0;
  });
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}
