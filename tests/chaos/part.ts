/**
 * A process of the farm under chaos: killed, stopped and drained by the plan, and started again as a supervisor would
 * (systemd's `Restart=always`), for as long as the run wants it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { logTail } from '#cli/farm/log-tail.js';
import { startNatsServer } from '#cli/farm/start-nats-server.js';
import { waitUntil } from '#tests/support/wait-until.js';
import type { Journal, Outage } from './journal.js';

/** How a process that was told to stop did so. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Started, and what became of it. */
export interface Life {
  readonly pid: number;
  /** Rejects with the reason when it ends before. */
  readonly ready: Promise<void>;
  readonly ended: Promise<Ending>;
}

/** A start that fails since the server is away says so; a supervisor tries again. */
export class StartRefused extends Error {}

const UNASKED_RESTART_MS = 500;
const READY_TIMEOUT_MS = 60_000;

export class Part {
  readonly name: string;
  readonly logFile: string;
  readonly #start: () => Promise<Life> | Life;
  readonly #journal: Journal;
  readonly #open = new Set<Outage>();
  #life: Life | undefined;
  #isReady = false;
  #isWanted = true;
  /** Of the life that runs now: set when its end is our doing. */
  #restartAfterMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(name: string, logFile: string, journal: Journal, start: () => Promise<Life> | Life) {
    this.name = name;
    this.logFile = logFile;
    this.#journal = journal;
    this.#start = start;
  }

  /** Undefined between an end and the next start. */
  get pid(): number | undefined {
    return this.#life?.pid;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  async start(): Promise<void> {
    void this.#run();
    await waitUntil(() => this.#isReady, {
      timeoutMs: READY_TIMEOUT_MS,
      describe: () => `${this.name} ready; its log ends: ${logTail(this.logFile, 5)}`,
    });
  }

  /** SIGKILL. @returns false when it is not there. */
  kill(restartAfterMs: number): boolean {
    return this.#end('SIGKILL', restartAfterMs);
  }

  /** SIGTERM: it ends in its own time, and is started again. */
  drain(restartAfterMs: number): boolean {
    return this.#end('SIGTERM', restartAfterMs);
  }

  /** SIGSTOP, and SIGCONT when `forMs` are over. */
  suspend(forMs: number): boolean {
    const pid = this.pid;
    if (pid === undefined || !signal(pid, 'SIGSTOP')) return false;
    const kind = this.name.startsWith('agent') ? 'agent-stop' : `${shortName(this.name)}-stop`;
    const outage = this.#journal.begun(this.name, kind as Outage['kind']);
    setTimeout(() => {
      signal(pid, 'SIGCONT');
      this.#journal.over(outage);
    }, forMs);
    return true;
  }

  /** SIGTERM for good. @returns how it ended; a process that needs SIGKILL after `timeoutMs` has that signal. */
  async shutDown(timeoutMs: number): Promise<Ending | undefined> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const life = this.#life;
    if (!life) return undefined;
    signal(life.pid, 'SIGCONT');
    signal(life.pid, 'SIGTERM');
    const timer = setTimeout(() => signal(life.pid, 'SIGKILL'), timeoutMs);
    const ending = await life.ended;
    clearTimeout(timer);
    return ending;
  }

  /** SIGKILL for good. Resolves when it is gone. */
  async destroy(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const life = this.#life;
    if (!life) return;
    signal(life.pid, 'SIGKILL');
    await life.ended;
  }

  #end(how: 'SIGKILL' | 'SIGTERM', restartAfterMs: number): boolean {
    const pid = this.pid;
    // A process that is just starting may be killed too; told to stop, it would not know yet what that means.
    if (pid === undefined || (how === 'SIGTERM' && !this.#isReady)) return false;
    const kind = how === 'SIGTERM' ? 'agent-drain' : `${shortName(this.name)}-kill`;
    this.#restartAfterMs = restartAfterMs;
    this.#open.add(this.#journal.begun(this.name, kind as Outage['kind']));
    return signal(pid, how);
  }

  async #run(): Promise<void> {
    let life: Life;
    try {
      life = await this.#start();
    } catch (error) {
      this.#ended(`its start failed: ${error instanceof Error ? error.message : error}`, false);
      return;
    }
    this.#life = life;
    if (!this.#isWanted) signal(life.pid, 'SIGKILL');
    let refused = false;
    const ready = life.ready.then(
      () => {
        this.#isReady = true;
        for (const outage of this.#open) this.#journal.over(outage);
        this.#open.clear();
      },
      (error: unknown) => {
        refused = error instanceof StartRefused;
      },
    );
    const { code, signal: killedBy } = await life.ended;
    await ready;
    this.#life = undefined;
    this.#isReady = false;
    this.#ended(killedBy ?? `exit code ${code}`, refused);
  }

  #ended(how: string, isRefusal: boolean): void {
    const restartAfterMs = this.#restartAfterMs;
    this.#restartAfterMs = undefined;
    if (!this.#isWanted) return;
    if (restartAfterMs === undefined && !isRefusal)
      this.#journal.endedUnasked(this.name, `${how}; its log ends: ${logTail(this.logFile, 3)}`);
    this.#timer = setTimeout(() => void this.#run(), restartAfterMs ?? UNASKED_RESTART_MS);
  }
}

const shortName = (name: string): string => (name === 'nats-server' ? 'nats' : name.replace(/-\d+$/, ''));

/** @returns false when there is no such process. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** dist/cli/main.js from dist/tests/chaos/. */
const PROGRAM = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const SETPRIV = '/usr/bin/setpriv';

/** `guian <args> --json`, which ends when this process does: by its own stdin, and, should it stand still, by the system. */
export function startGuianPart(args: readonly string[], logFile: string): Life {
  const log = openSync(logFile, 'a', 0o600);
  const command = [process.execPath, PROGRAM, ...args, '--json'];
  const guarded = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', ...command] : command;
  const child = spawn(guarded[0]!, guarded.slice(1), {
    detached: true,
    stdio: ['pipe', 'pipe', log],
    env: { ...process.env, GUIAN_EXIT_WITH_PARENT: '1' },
  });
  closeSync(log);
  child.stdin!.on('error', () => undefined);
  const ended = new Promise<Ending>((resolve) => {
    child.once('exit', (code, by) => resolve({ code, signal: by }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  return { pid: child.pid!, ended, ready: readyLine(child) };
}

function readyLine(child: ChildProcess): Promise<void> {
  const lines = createInterface({ input: child.stdout! });
  const ready = new Promise<void>((resolve, reject) => {
    lines.once('line', (text) => {
      const line = JSON.parse(text) as { ready: boolean; code?: string; message?: string };
      if (line.ready) resolve();
      else if (line.code === 'BUS_UNAVAILABLE') reject(new StartRefused(line.message));
      else reject(new Error(line.message));
    });
    lines.once('close', () => reject(new Error('it ended before it was ready')));
  });
  // Whatever else it prints must not fill the pipe.
  lines.on('line', () => undefined);
  return ready;
}

export async function startNatsPart(options: {
  storeDir: string;
  logFile: string;
  port: number;
}): Promise<Life> {
  const server = await startNatsServer(options);
  return { pid: server.pid, ready: Promise.resolve(), ended: server.exited };
}
