/**
 * Starts a program for a renderer and keeps it in: the only place where the agent starts other people's code. The child
 * dies with the thread that started it (however that ends), within its limits, and with all that it started.
 *
 * What a program started outside of a sandbox and then orphaned is found by the mark in its environment, when the program is
 * killed or ends; where the agent itself was killed, when the next one clears its scratch folder. A sandbox takes all along.
 *
 * A run's life: started → (killed: by its user, over its memory limit, by a message that makes no sense) → the child is
 * gone → its orphans are ended → its pipes are read to the end → `exited`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import { LogTail } from './log-tail.js';
import { messageLines } from './message-lines.js';
import { killProcess, markedProcesses } from './process-tree.js';
import type { ProgramExit, ProgramRequest, RunningProgram } from './program.js';
import { MARK, type ProgramCommand, programCommand } from './program-command.js';
import { ProgramWatch } from './program-watch.js';

/** The inspection of a scene with 50,000 files is about 10 MB. */
const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;
/** Told and not yet read: a program that does not listen is ended, not fed. */
const UNREAD_BYTES_MAX = 16 * 1024 * 1024;
/** A message of a validator may have a line for every field. */
const REASON_CHARS_MAX = 300;
/** A killed process ends within ms, unless the kernel has it in a disk wait. */
const ORPHANS_MS_MAX = 10_000;
/** To read what is left in its pipes, which is there already. */
const PIPES_MS_MAX = 1_000;
/** The kernel's order when memory is short: programs go before the agent (0), which can start them again. */
const OUT_OF_MEMORY_SCORE = '500';

/** Never throws for what the machine or the program does: a program that cannot be started has exited with the reason. */
export function startProgram(request: ProgramRequest): RunningProgram {
  const mark = `${request.scratchFolder}#${randomUUID()}`;
  try {
    const child = spawnChild(programCommand(request, mark), request.scratchFolder);
    return child.pid === undefined ? notStarted(spawnError(child)) : new Run(request, mark, child, child.pid);
  } catch (error) {
    return notStarted(Promise.resolve(messageOf(error)));
  }
}

class Run implements RunningProgram {
  readonly pid: number;
  readonly exited: Promise<ProgramExit>;
  readonly #request: ProgramRequest;
  readonly #mark: string;
  readonly #child: ChildProcess;
  readonly #watch: ProgramWatch;
  readonly #log = new LogTail(LIMITS.logTailCharsMax);
  #isGone = false;
  #reason: string | undefined;
  #excessBytes: number | undefined;

  constructor(request: ProgramRequest, mark: string, child: ChildProcess, pid: number) {
    this.pid = pid;
    this.#request = request;
    this.#mark = mark;
    this.#child = child;
    this.#watch = new ProgramWatch(pid, request.memoryBytesMax, (bytes) => this.#onExcess(bytes));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => this.#log.push(chunk)).on('error', ignoreBrokenPipe);
    child.stdin?.on('error', ignoreBrokenPipe);
    this.#readMessages(child.stdio[3] as Duplex);
    this.exited = this.#settle();
  }

  send(message: unknown): void {
    const { stdin } = this.#child;
    if (!stdin?.writable) return;
    stdin.write(`${JSON.stringify(message)}\n`);
    if (stdin.writableLength > UNREAD_BYTES_MAX) this.#fail('it does not read what it is told');
  }

  end(): void {
    this.#child.stdin?.end();
  }

  kill(): void {
    if (this.#isGone) return;
    this.#watch.look();
    // The group first: it has those too that were started since the look.
    killProcess(-this.pid);
    this.#watch.kill();
  }

  use() {
    return this.#watch.use();
  }

  logTail(): string {
    return this.#log.toString();
  }

  #readMessages(stream: Duplex): void {
    const next = messageLines(MESSAGE_BYTES_MAX);
    stream.on('error', ignoreBrokenPipe);
    // The program closes it by ending: the last moment at which what it used can be read.
    stream.on('end', () => this.#watch.look());
    stream.on('data', (piece: Buffer) => {
      if (this.#reason !== undefined) return;
      try {
        for (const message of next(piece)) this.#request.onMessage?.(message);
      } catch (error) {
        this.#fail(messageOf(error));
      }
    });
  }

  #onExcess(bytes: number): void {
    this.#excessBytes ??= bytes;
    this.#fail(`its memory of ${bytes} bytes is over the limit of ${this.#request.memoryBytesMax}`);
  }

  #fail(reason: string): void {
    if (this.#reason !== undefined || this.#isGone) return;
    this.#reason = reason.replace(/\s+/g, ' ').slice(0, REASON_CHARS_MAX);
    this.kill();
  }

  async #settle(): Promise<ProgramExit> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    const { code, signal } = await new Promise<Pick<ProgramExit, 'code' | 'signal'>>((resolve) =>
      this.#child.once('exit', (code, signal) => resolve({ code, signal })),
    );
    this.#isGone = true;
    this.#watch.end();
    await this.#endOrphans();
    // Whoever held the pipes is gone, so they end now; one that hides its mark may hold them still.
    const patience = new AbortController();
    const late = delay(PIPES_MS_MAX, undefined, patience).catch(() => undefined);
    await Promise.race([closed, late]);
    patience.abort();
    for (const stream of this.#child.stdio) stream?.destroy();
    return {
      ...(this.#request.sandbox === 'bubblewrap' ? programsOwn(code, signal) : { code, signal }),
      ...(this.#excessBytes === undefined ? {} : { excessBytes: this.#excessBytes }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }

  /** What the program left running: daemons outside a sandbox; inside, what the kernel has not ended yet. */
  async #endOrphans(): Promise<void> {
    const endAtMs = performance.now() + ORPHANS_MS_MAX;
    // A sandbox's first process takes all others with it: once it was seen, nobody has to be searched for.
    const isSearched = this.#request.sandbox === 'none' || this.#watch.knownCount < 2;
    for (let waitMs = 1; performance.now() < endAtMs; waitMs = Math.min(50, 2 * waitMs)) {
      const left = [...this.#watch.alive(), ...(isSearched ? markedProcesses(MARK, this.#mark) : [])];
      if (left.length === 0) return;
      for (const pid of left) killProcess(pid);
      await delay(waitMs);
    }
    this.#reason ??= `processes of it did not end within ${ORPHANS_MS_MAX / 1000} s of SIGKILL`;
  }
}

function spawnChild({ file, args, env }: ProgramCommand, folder: string): ChildProcess {
  const child = spawn(file, args, {
    cwd: folder,
    env,
    // Its own session and process group: one signal reaches all of it, and none of the terminal's does.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  if (child.pid !== undefined) yieldMemoryFirst(child.pid);
  return child;
}

function yieldMemoryFirst(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OUT_OF_MEMORY_SCORE);
  } catch {
    // It has ended already, which its exit tells, or the kernel has no such file, and then no such order.
  }
}

function spawnError(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once('error', (error) => resolve(messageOf(error))));
}

function notStarted(reason: Promise<string>): RunningProgram {
  return {
    pid: 0,
    send: () => {},
    end: () => {},
    kill: () => {},
    use: () => ({ coreSeconds: 0, memoryBytes: 0, peakMemoryBytes: 0 }),
    logTail: () => '',
    exited: reason.then((line) => ({ code: null, signal: null, reason: `it could not be started: ${line}` })),
  };
}

/** bubblewrap tells a signal that ended the program as 128 + its number, as shells do. */
function programsOwn(
  code: number | null,
  signal: NodeJS.Signals | null,
): Pick<ProgramExit, 'code' | 'signal'> {
  const name = Object.entries(constants.signals).find(([, number]) => number + 128 === code)?.[0];
  return name === undefined ? { code, signal } : { code: null, signal: name as NodeJS.Signals };
}

/** The other end is gone: what that means is told by the exit. */
function ignoreBrokenPipe(): void {}
