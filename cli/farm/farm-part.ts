/**
 * One process of the farm on this machine (`guian coordinator`, `guian agent`), as a child. It says that it is ready on
 * stdout, logs to a file, ends when our pipe to its stdin closes, and is started again when it dies by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ERROR_CODES, type ErrorCode, FarmError } from '#shared/errors.js';
import type { ServiceLine } from '../process/run-service.js';
import { logTail } from './log-tail.js';

export interface FarmPartOptions {
  /** For people, e.g. `coordinator`, `agent node-1`. */
  readonly name: string;
  /** Asked at each start, so that a restart can name the address that the first start found. */
  readonly args: () => readonly string[];
  readonly logFile: string;
  /** Says on stderr that the part died and is started again. */
  readonly onNotice: (line: string) => void;
  /** Called when it cannot be kept running. */
  readonly onFailure: (error: FarmError) => void;
  /** What it may take to stop before it is killed; default 15 s. */
  readonly stopMsMax?: number;
}

type ReadyLine = Extract<ServiceLine, { ready: true }>;

const RESTARTS_MAX = 5;
/** Restarts are forgiven when the part has run for this long. */
const FORGIVE_AFTER_MS = 60_000;
const RESTART_DELAY_MS = 500;
const START_TIMEOUT_MS = 60_000;
const STOP_MS_MAX = 15_000;
/** dist/cli/main.js from dist/cli/farm/. */
const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));

export class FarmPart {
  readonly name: string;
  readonly logFile: string;
  readonly #options: FarmPartOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #isStopping = false;
  #restarts = 0;
  #startedAtMs = 0;

  constructor(options: FarmPartOptions) {
    this.#options = options;
    this.name = options.name;
    this.logFile = options.logFile;
  }

  /** Process id, or undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Resolves when it is ready.
   * @throws what the part itself reported, or RENDER_FAILED with the end of its log.
   */
  async start(): Promise<ReadyLine> {
    this.#startedAtMs = Date.now();
    this.#isStopping = false;
    const log = openSync(this.logFile, 'a', 0o600);
    const child = spawn(process.execPath, [PROGRAM, ...this.#options.args(), '--json'], {
      // A session of its own: the terminal's Ctrl-C reaches us alone, and we stop the parts in order.
      detached: true,
      stdio: ['pipe', 'pipe', log],
      env: { ...process.env, GUIAN_EXIT_WITH_PARENT: '1' },
    });
    closeSync(log);
    this.#child = child;
    // A write to a dead child's stdin has no reader to tell.
    child.stdin?.on('error', () => undefined);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    let wasReady = false;
    this.#exited = ended.then((how) => {
      if (this.#child === child) this.#child = undefined;
      if (wasReady && !this.#isStopping) this.#startAgain(how);
    });
    const ready = await this.#readyLine(child, ended);
    wasReady = true;
    return ready;
  }

  /** SIGTERM, then SIGKILL when it takes too long. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    child?.kill('SIGTERM');
    const timer = setTimeout(() => child?.kill('SIGKILL'), this.#options.stopMsMax ?? STOP_MS_MAX);
    await this.#exited;
    clearTimeout(timer);
  }

  /** SIGKILL; it is not started again. */
  kill(): void {
    this.#isStopping = true;
    this.#child?.kill('SIGKILL');
  }

  /** For fault tests: SIGKILL as an accident would; resolves when it is gone. The part then comes back by itself. */
  async crash(): Promise<void> {
    const exited = this.#exited;
    this.#child?.kill('SIGKILL');
    await exited;
  }

  async #readyLine(child: ChildProcess, ended: Promise<string>): Promise<ReadyLine> {
    const lines = createInterface({ input: child.stdout! });
    let timer: NodeJS.Timeout | undefined;
    try {
      return await Promise.race([
        new Promise<ReadyLine>((resolve, reject) => {
          lines.once('line', (text) => {
            const line = parseLine(text);
            if (line === undefined)
              reject(this.#failure(`said "${text.slice(0, 80)}" instead of being ready`));
            else if (line.ready) resolve(line);
            else reject(this.#startFailure(line));
          });
        }),
        ended.then((how) => {
          throw this.#failure(`ended at its start (${how})`);
        }),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => {
            child.kill('SIGKILL');
            reject(this.#failure(`was not ready after ${START_TIMEOUT_MS / 1000} s`));
          }, START_TIMEOUT_MS);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      // Whatever else it prints must not fill the pipe.
      lines.on('line', () => undefined);
    }
  }

  #startFailure(line: Extract<ServiceLine, { ready: false }>): FarmError {
    if (line.code in ERROR_CODES) return new FarmError(line.code as ErrorCode, line.message);
    return this.#failure(`could not start (${line.message})`);
  }

  #failure(what: string): FarmError {
    return new FarmError(
      'RENDER_FAILED',
      `the ${this.name} ${what}; its log ${this.logFile} ends: ${logTail(this.logFile, 8)}`,
    );
  }

  #startAgain(how: string): void {
    if (this.#isStopping) return;
    if (Date.now() - this.#startedAtMs > FORGIVE_AFTER_MS) this.#restarts = 0;
    if (this.#restarts === RESTARTS_MAX) {
      this.#options.onFailure(this.#failure(`died ${RESTARTS_MAX + 1} times (last: ${how})`));
      return;
    }
    this.#restarts += 1;
    this.#options.onNotice(
      `the ${this.name} died (${how}); starting it again (${this.#restarts} of ${RESTARTS_MAX}); its log ends: ${logTail(this.logFile, 3)}`,
    );
    // What it needs may be down as well, and back in a moment: a start that fails is one more try.
    const delayMs = (this.#restarts - 1) * RESTART_DELAY_MS;
    setTimeout(() => {
      if (this.#isStopping) return;
      this.start().catch((error: FarmError) => this.#startAgain(error.message));
    }, delayMs);
  }
}

function parseLine(text: string): ServiceLine | undefined {
  try {
    return JSON.parse(text) as ServiceLine;
  } catch {
    return undefined;
  }
}
