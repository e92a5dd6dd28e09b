import { defineConfig } from 'vitest/config';

// Tests run on the built files: what is tested is what ships, and worker threads and child processes need files
// that plain Node can load. `npm test` builds first.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
