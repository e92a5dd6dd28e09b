/**
 * Runs the admin's command for each pool that should have another number of slots. What the farm says reaches it through
 * its environment alone: a pool's name is never part of what the shell reads.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import pLimit from 'p-limit';
import { schedulingNameSchema } from '#shared/domain/schedule.js';
import { messageOf } from '#shared/errors.js';
import type { PoolAdvice__Output } from '#shared/wire/generated/guian/v1/PoolAdvice.js';
import { humanDuration } from '../output/human.js';
import type { Interrupt } from '../process/interrupt.js';

export interface ScaleHook {
  /** For `sh -c`. */
  readonly command: string;
  readonly timeoutMs: number;
  /** Commands of `guian` inside the hook speak to the same farm. */
  readonly coordinator: string;
  /** Told of each run when it has ended. */
  readonly tell: (run: ScaleRun) => void;
  readonly interrupt: Pick<Interrupt, 'signal' | 'onSecond'>;
}

export interface ScaleRun {
  readonly pool: string;
  readonly slots: number;
  readonly slotsWanted: number;
  /** `done`, or what went wrong. */
  readonly outcome: string;
}

type Wanted = Readonly<Pick<PoolAdvice__Output, 'pool' | 'slots' | 'slotsWanted'>>;

/** Commands that wait for a cloud, not for a processor. */
const HOOKS_AT_ONCE = 8;
/** What a command may take to end when it is told to. */
const END_GRACE_MS = 5_000;
const DONE = 'done';

/** @returns how many failed. Ends early, with what had begun told to end, when the interrupt comes. */
export async function scalePools(pools: readonly Wanted[], hook: ScaleHook): Promise<number> {
  const children = new Set<ChildProcess>();
  hook.interrupt.onSecond(() => {
    for (const child of children) signalGroup(child, 'SIGKILL');
  });
  const limit = pLimit(HOOKS_AT_ONCE);
  const outcomes = await Promise.all(
    poolsToScale(pools).map((pool) =>
      limit(async () => {
        if (hook.interrupt.signal.aborted) return DONE;
        const outcome = await runHook(pool, hook, children);
        const { pool: name, slots, slotsWanted } = pool;
        hook.tell({ pool: name, slots, slotsWanted, outcome });
        return outcome;
      }),
    ),
  );
  return outcomes.filter((outcome) => outcome !== DONE).length;
}

/** Those that should have more or fewer slots than they have. A name that is none is not handed to anybody's script. */
export function poolsToScale(pools: readonly Wanted[]): readonly Wanted[] {
  return pools.filter(
    ({ pool, slots, slotsWanted }) =>
      slots !== slotsWanted && (pool === '' || schedulingNameSchema.safeParse(pool).success),
  );
}

/** @returns `done`, or what went wrong. */
function runHook(pool: Wanted, hook: ScaleHook, children: Set<ChildProcess>): Promise<string> {
  const { signal } = hook.interrupt;
  // A process group of its own: the terminal's Ctrl-C reaches us alone, and what the command started ends with it.
  const child = spawn('/bin/sh', ['-c', hook.command], {
    detached: true,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...hookEnvironment(pool, hook.coordinator) },
  });
  children.add(child);
  let stopped: string | undefined;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (why: string): void => {
    if (stopped !== undefined) return;
    stopped = why;
    signalGroup(child, 'SIGTERM');
    killTimer = setTimeout(() => signalGroup(child, 'SIGKILL'), END_GRACE_MS);
  };
  const timer = setTimeout(
    () => stop(`failed: it took longer than ${humanDuration(hook.timeoutMs)}`),
    hook.timeoutMs,
  );
  const onAbort = (): void => stop('stopped');
  signal.addEventListener('abort', onAbort, { once: true });
  return new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`failed: ${messageOf(error)}`));
    child.once('exit', (code, killedBy) => {
      if (stopped !== undefined) resolve(stopped);
      else if (code === 0) resolve(DONE);
      else resolve(`failed: ${killedBy ? `ended by ${killedBy}` : `exit code ${code}`}; it is tried again`);
    });
  }).finally(() => {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal.removeEventListener('abort', onAbort);
    children.delete(child);
  });
}

export function hookEnvironment({ pool, slots, slotsWanted }: Wanted, coordinator: string) {
  return {
    GUIAN_POOL: pool,
    GUIAN_SLOTS: String(slots),
    GUIAN_SLOTS_WANTED: String(slotsWanted),
    GUIAN_COORDINATOR: coordinator,
  };
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
