/** The end of a log file on one line, for error messages. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 4096;

/** @returns the last `lines` lines joined by ` | `, or a note that there is nothing to show. */
export function logTail(file: string, lines: number): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return '(no log)';
  }
  try {
    const size = fstatSync(handle).size;
    const buffer = Buffer.alloc(Math.min(TAIL_BYTES, size));
    readSync(handle, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8').trim().split('\n').slice(-lines).join(' | ');
    return text === '' ? '(empty log)' : text;
  } finally {
    closeSync(handle);
  }
}
