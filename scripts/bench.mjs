// `npm run bench`: sets up what is missing, builds, then runs each benchmark in a process of its own.
// Arguments choose by name: `npm run bench -- tile-cycle`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { say, setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'dist', 'benchmarks');
process.exitCode = (await setUp(root)) ? runAll(process.argv.slice(2)) : 2;

function runAll(wanted) {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.bench.js')) : [];
  const chosen = files
    .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
    .sort();
  if (chosen.length === 0) {
    say(`no benchmark is called ${wanted.join(' or ')}; there are: ${files.join(', ') || 'none'}`);
    return 2;
  }
  const failed = chosen.filter((name) => {
    say(name);
    return (
      spawnSync(process.execPath, ['--expose-gc', join(folder, name)], { cwd: root, stdio: 'inherit' })
        .status !== 0
    );
  });
  if (failed.length > 0) say(`failed: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}
