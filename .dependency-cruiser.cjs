// Which way imports point: adapters, loops and main use planning, scheduling and frames, which use shared; coordinator
// and node-agent know each other through shared alone; nothing goes round in a circle. Runs in `npm test`.
const PURE =
  '^(coordinator/(planning|scheduling|recovery)/|coordinator/admin/(settings|effective|actions|apply-action|describe-action|in-use)\\.ts|shared/(domain|state|image)/)';
const PURE_MAY_IMPORT = `${PURE}|^shared/(errors|limits|invariant|clock|bus/messages)\\.ts$|^(node_modules/)?(zod|ms)|^node_modules/(zod|ms)/`;
const TESTS = '\\.test\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'coordinator-and-agent-share-through-shared',
      severity: 'error',
      from: { path: '^coordinator/', pathNot: TESTS },
      to: { path: '^node-agent/' },
    },
    {
      name: 'agent-and-coordinator-share-through-shared',
      severity: 'error',
      from: { path: '^node-agent/', pathNot: TESTS },
      to: { path: '^coordinator/' },
    },
    {
      name: 'nobody-imports-the-cli',
      severity: 'error',
      from: { path: '^(coordinator|node-agent|shared)/', pathNot: TESTS },
      to: { path: '^cli/' },
    },
    {
      name: 'shared-is-the-bottom',
      severity: 'error',
      from: { path: '^shared/', pathNot: TESTS },
      to: { path: '^(coordinator|node-agent|cli|tests|benchmarks|examples)/' },
    },
    {
      name: 'decisions-know-no-effects',
      comment:
        'planning, scheduling, recovery and frames are used by adapters, loops and main, never the other way round',
      severity: 'error',
      from: { path: '^coordinator/(planning|scheduling|recovery|frames)/', pathNot: TESTS },
      to: { path: '^coordinator/(adapters|loops|main\\.ts)' },
    },
    {
      name: 'pure-stays-pure',
      severity: 'error',
      from: { path: PURE, pathNot: TESTS },
      // Buffers in, buffers out: zlib and crypto compute, they do not open anything.
      to: { pathNot: `${PURE_MAY_IMPORT}|^(node:)?(zlib|crypto|buffer|util)$` },
    },
    {
      name: 'shared-opens-no-file',
      severity: 'error',
      from: { path: '^shared/', pathNot: `${TESTS}|^shared/wire/` },
      to: { path: '^(node:)?fs' },
    },
    {
      name: 'products-do-not-import-tests',
      severity: 'error',
      from: { pathNot: `${TESTS}|^(tests|benchmarks)/` },
      to: { path: `${TESTS}|^tests/` },
    },
    {
      name: 'only-known-modules',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/\\.bin)' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    webpackConfig: { fileName: 'scripts/dependency-cruiser-resolve.cjs' },
  },
};
