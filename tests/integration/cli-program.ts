/** The `guian` program as a user runs it, for tests: real processes in a folder of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM = join(REPOSITORY, 'dist', 'cli', 'main.js');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number;
  /** What it has printed so far. */
  output(): { stdout: string; stderr: string };
  readonly ended: Promise<Ended>;
}

/** A folder with `home`, `tmp` and `work` in it, so that nothing of a test lands elsewhere. */
export function testFolder(): { path: string; tmp: string; work: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'guian-cli-test-'));
  const [tmp, work] = ['tmp', 'work'].map((name) => mkdtempSync(join(path, name))) as [string, string];
  return { path, tmp, work, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function startGuian(
  args: readonly string[],
  folder: { path: string; tmp: string; work: string },
  env: NodeJS.ProcessEnv = {},
): RunningProgram {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !key.startsWith('GUIAN_')),
  );
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: folder.work,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, HOME: folder.path, TMPDIR: folder.tmp, ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, pid: child.pid!, output: () => ({ stdout, stderr }), ended };
}

export function guian(
  args: readonly string[],
  folder: { path: string; tmp: string; work: string },
  env = {},
): Promise<Ended> {
  return startGuian(args, folder, env).ended;
}

/** Children of a process, from /proc. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((child) => statusOf(child)?.parent === pid);
}

/** A zombie has ended: it only waits for somebody to read its exit code. */
export function isRunning(pid: number): boolean {
  const status = statusOf(pid);
  return status !== undefined && status.state !== 'Z';
}

function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return { state: fields[0]!, parent: Number(fields[1]) };
  } catch {
    return undefined;
  }
}
