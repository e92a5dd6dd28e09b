// The folders whose TypeScript is built to dist/.
export const SOURCE_FOLDERS = [
  'shared',
  'coordinator',
  'node-agent',
  'cli',
  'tests',
  'benchmarks',
  'examples',
];
