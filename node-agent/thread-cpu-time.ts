/**
 * CPU time of the calling thread. Node 20 has no call for it (`process.cpuUsage` is the whole process, event loop
 * utilisation is wall time), so on Linux the kernel's own account is read: `/proc/thread-self/schedstat`, whose first
 * number is ns on a core (1.2 µs per read, measured). Threads that a renderer starts itself are not counted.
 * Elsewhere, and where the kernel keeps no account, it is wall time, which is right for a renderer that computes.
 */
import { openSync, readSync } from 'node:fs';

type ThreadCpuUsage = () => { user: number; system: number };

const NS_PER_S = 1e9;
const buffer = Buffer.alloc(96);
/** `thread-self` is resolved when it is opened: each thread that loads this module opens its own. */
const schedstat = openSchedstat();

/** Seconds; only differences mean something. */
export function threadCpuSeconds(): number {
  const threadCpuUsage = (process as { threadCpuUsage?: ThreadCpuUsage }).threadCpuUsage;
  if (threadCpuUsage) {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1e6;
  }
  if (schedstat === undefined) return performance.now() / 1000;
  return readNs(schedstat) / NS_PER_S;
}

function openSchedstat(): number | undefined {
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r');
    return readNs(file) > 0 ? file : undefined;
  } catch {
    // Not Linux, or a kernel without the account: wall time, as the header says.
    return undefined;
  }
}

function readNs(file: number): number {
  return Number.parseInt(buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0)), 10);
}
