/**
 * Keeps the end of what a worker thread writes, for the log of a failed attempt. Nothing of it reaches the agent's own
 * stdout: that belongs to results, and a renderer's chatter from many threads is of use only where a tile failed.
 */
import { LIMITS } from '#shared/limits.js';

let tail = '';

/** Call once, when the thread starts. */
export function captureThreadOutput(): void {
  const keep = (chunk: unknown): boolean => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString('utf8');
    tail = (tail + text).slice(-LIMITS.logTailCharsMax);
    return true;
  };
  process.stdout.write = keep as typeof process.stdout.write;
  process.stderr.write = keep as typeof process.stderr.write;
}

/** What was written since the last call. */
export function takeThreadOutput(): string {
  const taken = tail;
  tail = '';
  return taken;
}
