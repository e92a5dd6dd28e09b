/** How late the event loop of another Node process is: measured inside it, without a line in the program itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { scratchFolder } from './scratch-folder.js';

/** Name of the environment variable that names the file. */
export const LOOP_DELAY_FILE = 'GUIAN_BENCH_LOOP_DELAY';

export interface LoopDelay {
  /** Turns that were measured. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly rssMibMax: number;
}

export interface LoopDelayOf extends AsyncDisposable {
  /** From now on. */
  reset(pid: number): void;
  /** Since the reset. */
  read(): Promise<LoopDelay>;
}

/** A file is written four times a second. */
const FRESH_MS = 600;

/** For the Node processes that are started until `started()` is called; of one at a time. */
export async function watchLoopDelay(): Promise<LoopDelayOf & { started(): void }> {
  const folder = await scratchFolder();
  const file = join(folder.path, 'loop-delay.json');
  const before = process.env['NODE_OPTIONS'];
  const preload = new URL('./loop-delay-preload.js', import.meta.url).href;
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import ${preload}`;
  process.env[LOOP_DELAY_FILE] = file;
  const started = () => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    delete process.env[LOOP_DELAY_FILE];
  };
  return {
    started,
    reset: (pid) => void process.kill(pid, 'SIGUSR2'),
    async read() {
      await delay(FRESH_MS);
      return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
    },
    async [Symbol.asyncDispose]() {
      started();
      await folder[Symbol.asyncDispose]();
    },
  };
}
