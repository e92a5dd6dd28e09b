// `npm run chaos`: sets up what is missing, builds, then disturbs a farm for minutes and looks whether anything is lost.
// Flags are passed on: `npm run chaos -- --minutes 10 --seed 7`; `--help` lists them.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (!(await setUp(root))) process.exitCode = 2;
else {
  const program = join(root, 'dist', 'tests', 'chaos', 'chaos.js');
  const child = spawn(process.execPath, [program, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
  // The terminal's Ctrl-C reaches the child as well, which cleans up; whoever signals only this process means it too.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
