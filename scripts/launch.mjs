// What `guian` runs: checks Node, sets up what is missing (npm packages, build), then becomes the program. Until the
// version is checked only what Node 14 knows may stand here.
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `guian: Node.js 20.19 or later is needed, but ${process.execPath} is ${process.versions.node}; ` +
      'get a newer one from https://nodejs.org/en/download and put it first on PATH\n',
  );
  process.exitCode = 2;
} else {
  const { setUp } = await import('./setup.mjs');
  if (await setUp(root)) await import(pathToFileURL(join(root, 'dist', 'cli', 'main.js')).href);
}
