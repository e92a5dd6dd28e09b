import { defineConfig } from 'vitest/config';

// Tests run on the built files: what is tested is what ships, and worker threads and child processes need files
// that plain Node can load. `npm test` builds first.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    maxWorkers: 2,
    // Longer than any wait in a test, so that a wait that is in vain says itself what did not come.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default'],
  },
});
