/**
 * CPU time of processes: what work costs, whatever else the machine is doing. Linux alone tells it cheaply; elsewhere the
 * figure is left out.
 */
import { readFileSync } from 'node:fs';

/** The kernel's clock tick (USER_HZ), which is 100 on every architecture that Node runs on. */
const TICKS_PER_S = 100;

/** Seconds since these processes started, all threads, together; undefined where the system does not say. */
export function cpuSecondsOf(pids: readonly number[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + cpuTicks(pid), 0) / TICKS_PER_S;
  } catch {
    return undefined;
  }
}

/** What `work` costs in these processes, in seconds of one core. */
export async function withCpuTime<T>(
  pids: readonly number[],
  work: () => Promise<T>,
): Promise<{ result: T; cpuS: number | undefined }> {
  const before = cpuSecondsOf(pids);
  const result = await work();
  const after = cpuSecondsOf(pids);
  return { result, cpuS: before === undefined || after === undefined ? undefined : after - before };
}

function cpuTicks(pid: number): number {
  // proc(5): fields 14 and 15 are user and system time; the second field may hold spaces, so count from its bracket.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
