/**
 * Options of every pool of threads. A thread's entry is an ES module; piscina tries `require` on it before `import`, and
 * a thread that is ended while Node 20 requires an ES module takes the whole process with it ("IsGraphAsync must be used
 * on an instantiated module", seen with 20.20). Without that feature `require` refuses at once and `import` is used.
 */
export const THREAD_OPTIONS = { execArgv: ['--no-experimental-require-module'] };
