/**
 * A nats-server with JetStream on disk, as a child of this process. It chooses its own free loopback port and writes it
 * to a ports file; it lives in a session of its own, so that Ctrl-C in the terminal does not stop it before the
 * job is cancelled, and it dies with its parent, so that SIGKILL leaves no server behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, watch } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FarmError } from '#shared/errors.js';
import { findNatsServer } from './find-nats-server.js';
import { logTail } from './log-tail.js';

export interface NatsServerOptions {
  /** JetStream's folder; made when it is not there. Another start with the same folder finds its streams again. */
  readonly storeDir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Default: `nats-server.log` beside the store. Appended to. */
  readonly logFile?: string;
  /** `setpriv` (Linux) or `sh` (elsewhere): how the server is made to die with this process. Default: what exists. */
  readonly guard?: 'setpriv' | 'sh';
}

export interface RunningNatsServer {
  /** e.g. `nats://127.0.0.1:35123` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process is gone, however it went. */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Graceful, then SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 10_000;
/**
 * Without setpriv: a shell holds the server, and a reader of the shell's stdin (a pipe from us) kills it when that
 * closes, which happens however this process ends.
 */
const SH_GUARD =
  'exec 3<&0; "$@" 3<&- & server=$!; { cat <&3 >/dev/null; kill -9 $server 2>/dev/null; } >/dev/null 2>&1 & guard=$!; ' +
  'exec 3<&-; trap "kill $server" TERM INT; wait $server; code=$?; while kill -0 $server 2>/dev/null; do wait $server; code=$?; done; kill $guard 2>/dev/null; exit $code';

/**
 * Starts the server and waits until it accepts a connection.
 * @throws TOOL_MISSING without nats-server; PORT_TAKEN when `port` is in use; BUS_UNAVAILABLE when it does not start
 * (with the end of its log).
 */
export async function startNatsServer(options: NatsServerOptions): Promise<RunningNatsServer> {
  const program = findNatsServer();
  await mkdir(options.storeDir, { recursive: true });
  const logFile = options.logFile ?? join(options.storeDir, '..', 'nats-server.log');
  // The server takes its own file away when it stops, so the folder stays; one that was killed has left its file.
  const portsDir = join(options.storeDir, '.ports');
  await rm(portsDir, { recursive: true, force: true });
  await mkdir(portsDir);
  const child = spawnGuarded(program.path, serverArguments(options, portsDir), logFile, options.guard);
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  try {
    const { pid, port } = await firstOf(portsFile(portsDir), exited, logFile, options.port);
    await acceptsConnections(port);
    return {
      url: `nats://127.0.0.1:${port}`,
      port,
      pid,
      exited,
      stop: () => stopChild(child, pid, exited),
      kill: () => signalPid(pid, 'SIGKILL'),
      [Symbol.asyncDispose]: () => stopChild(child, pid, exited),
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

function serverArguments(options: NatsServerOptions, portsDir: string): string[] {
  const port = options.port === undefined ? '-1' : String(options.port);
  // prettier-ignore
  return [
    '--addr',
    '127.0.0.1',
    '--port',
    port,
    '--jetstream',
    '--store_dir',
    options.storeDir,
    '--ports_file_dir',
    portsDir,
  ];
}

function spawnGuarded(
  path: string,
  args: readonly string[],
  logFile: string,
  guard: 'setpriv' | 'sh' = existsSync('/usr/bin/setpriv') ? 'setpriv' : 'sh',
): ChildProcess {
  const log = openSync(logFile, 'a', 0o600);
  try {
    // Detached: a session of its own, out of reach of the terminal's Ctrl-C. (The parent-death signal is tied to the
    // thread that spawns, which is the main thread everywhere in this program.)
    const command = guard === 'setpriv' ? '/usr/bin/setpriv' : '/bin/sh';
    const prefix = guard === 'setpriv' ? ['--pdeathsig', 'KILL', path] : ['-c', SH_GUARD, 'nats', path];
    return spawn(command, [...prefix, ...args], {
      detached: true,
      stdio: [guard === 'sh' ? 'pipe' : 'ignore', log, log],
    });
  } finally {
    closeSync(log);
  }
}

interface Ports {
  readonly pid: number;
  readonly port: number;
}

/** Waits for `nats-server_<pid>.ports`, which the server writes once it listens. */
function portsFile(folder: string): { found: Promise<Ports>; cancel: () => void } {
  let cancel = (): void => undefined;
  const found = new Promise<Ports>((resolve) => {
    let isOver = false;
    const look = (): void => {
      // An event may still be on its way when the watcher is closed.
      if (isOver) return;
      const name = readdirSync(folder).find((entry) => entry.endsWith('.ports'));
      const pid = /_(\d+)\.ports$/.exec(name ?? '')?.[1];
      if (name === undefined || pid === undefined) return;
      const port = /"nats:\/\/[^"]*:(\d+)"/.exec(readFileSync(join(folder, name), 'utf8'))?.[1];
      if (port !== undefined) resolve({ pid: Number(pid), port: Number(port) });
    };
    const watcher = watch(folder, look);
    // The event may be lost on some file systems; looking is cheap.
    const timer = setInterval(look, 100);
    cancel = () => {
      isOver = true;
      watcher.close();
      clearInterval(timer);
    };
    look();
  });
  return { found, cancel: () => cancel() };
}

async function firstOf(
  ports: ReturnType<typeof portsFile>,
  exited: RunningNatsServer['exited'],
  logFile: string,
  port: number | undefined,
): Promise<Ports> {
  const deadline = new AbortController();
  try {
    return await Promise.race([
      ports.found,
      exited.then(({ code, signal }) => {
        const tail = logTail(logFile, 5);
        if (port !== undefined && /address already in use/i.test(tail)) {
          throw new FarmError('PORT_TAKEN', `port ${port} for nats-server is taken; choose another one`, {
            port,
          });
        }
        throw new FarmError(
          'BUS_UNAVAILABLE',
          `nats-server ended at its start (${signal ?? `exit code ${code}`}); its log ${logFile} ends: ${tail}`,
        );
      }),
      delay(START_TIMEOUT_MS, undefined, { signal: deadline.signal }).then(() => {
        throw new FarmError(
          'BUS_UNAVAILABLE',
          `nats-server did not start within ${START_TIMEOUT_MS / 1000} s; its log ${logFile} ends: ${logTail(logFile, 5)}`,
        );
      }),
    ]);
  } finally {
    deadline.abort();
    ports.cancel();
  }
}

/** The ports file is there a moment before the server says hello. */
async function acceptsConnections(port: number): Promise<void> {
  for (const deadlineMs = Date.now() + START_TIMEOUT_MS; ; ) {
    const greeted = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      const end = (answer: boolean): void => {
        socket.destroy();
        resolve(answer);
      };
      socket.once('data', () => end(true));
      socket.once('error', () => end(false));
      socket.setTimeout(2_000, () => end(false));
    });
    if (greeted) return;
    if (Date.now() > deadlineMs)
      throw new FarmError('BUS_UNAVAILABLE', `nats-server listens on port ${port} but does not answer`);
    await delay(50);
  }
}

async function stopChild(
  child: ChildProcess,
  pid: number,
  exited: RunningNatsServer['exited'],
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) signalPid(pid, 'SIGTERM');
  const timer = setTimeout(() => signalPid(pid, 'SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

function signalPid(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Already gone is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
