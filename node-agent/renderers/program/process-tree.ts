/**
 * What the kernel knows of running processes (Linux, /proc). Reads are synchronous: a few system calls of microseconds
 * each, and an answer that is all of one moment.
 * Source: proc(5).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface ProcessReading {
  readonly pid: number;
  /** With the pid it names a process for ever; a pid alone comes again. */
  readonly startTicks: number;
  /** It has ended and waits for its parent to ask. */
  readonly isZombie: boolean;
  /** User and system time of it and of the children that it has waited for. */
  readonly cpuSeconds: number;
}

/** USER_HZ: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** @returns undefined when there is no such process (any more). */
export function readProcess(pid: number): ProcessReading | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name is in parentheses and may hold any character; the fields after it count from the state.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (!fields || fields.length < 20) return undefined;
  const ticks = Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14]);
  return {
    pid,
    startTicks: Number(fields[19]),
    isZombie: fields[0] === 'Z' || fields[0] === 'X',
    cpuSeconds: ticks / TICKS_PER_SECOND,
  };
}

/** The processes of `roots` that are there, and all that descend from them and were not orphaned. */
export function processTree(roots: readonly number[]): ProcessReading[] {
  const childrenOf = HAS_CHILDREN_FILES ? childrenOfThreads : childrenByParent();
  const seen = new Set<number>();
  const found: ProcessReading[] = [];
  const pending = [...roots];
  let pid = pending.pop();
  for (; pid !== undefined; pid = pending.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const reading = readProcess(pid);
    if (!reading) continue;
    found.push(reading);
    pending.push(...childrenOf(pid));
  }
  return found;
}

/**
 * Anonymous and shared memory, resident or swapped out. Mapped files do not count: the kernel takes their pages back when
 * it needs them. A page that two processes share after a fork counts for both: see `exactMemoryBytes`.
 */
export function memoryBytes(pid: number): number {
  const status = read(`/proc/${pid}/status`) ?? '';
  return sumOfKib(status, /^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB/gm);
}

/**
 * The same by proportional set size, where shared pages count once in all. It walks the page tables (ms per GB, with the
 * process's memory map locked), so it is asked only in doubt.
 */
export function exactMemoryBytes(pid: number): number {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  // Kernels before 5.9 do not tell the kinds apart, and a foreign process's are not told.
  if (!rollup?.includes('Pss_Anon:')) return memoryBytes(pid);
  return sumOfKib(rollup, /^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB/gm);
}

/** Every process whose initial environment has the variable with a value that begins so; ours to see, and alive. */
export function markedProcesses(variable: string, valueStart: string): number[] {
  const needle = `\0${variable}=${valueStart}`;
  return everyProcess().filter((pid) => `\0${read(`/proc/${pid}/environ`) ?? ''}`.includes(needle));
}

/** Ends a process at once; that it is gone already is as good. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Of the kernel's build (CONFIG_PROC_CHILDREN): all distributions' kernels have them, some embedded ones do not. */
const HAS_CHILDREN_FILES = existsSync(`/proc/${process.pid}/task/${process.pid}/children`);

function childrenOfThreads(pid: number): number[] {
  const children: number[] = [];
  // A child belongs to the thread that started it.
  for (const thread of entries(`/proc/${pid}/task`)) {
    const list = read(`/proc/${pid}/task/${thread}/children`);
    if (list) for (const child of list.trim().split(' ')) if (child !== '') children.push(Number(child));
  }
  return children;
}

/** Reads every process of the machine: ms, where the children's files take a tenth of one. */
function childrenByParent(): (pid: number) => readonly number[] {
  const children = new Map<number, number[]>();
  for (const pid of everyProcess()) {
    const stat = read(`/proc/${pid}/stat`);
    const parent = Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  return (pid) => children.get(pid) ?? [];
}

function everyProcess(): number[] {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // ended meanwhile
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined; // ended meanwhile, or another user's
  }
}

function sumOfKib(text: string, pattern: RegExp): number {
  let kib = 0;
  for (const match of text.matchAll(pattern)) kib += Number(match[1]);
  return kib * 1024;
}
