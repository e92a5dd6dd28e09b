/** How errors leave the program: one line on stderr, and an exit code that scripts can rely on. */
import { type ErrorCode, FarmError } from '#shared/errors.js';

export const EXIT = { done: 0, renderFailed: 1, wrongUse: 2, bug: 70, interrupted: 130 } as const;

/** The render itself went wrong; every other operating error is wrong use, bad input or a machine that is not ready. */
const RENDER_FAILURES: ReadonlySet<ErrorCode> = new Set([
  'RENDER_FAILED',
  'RENDER_CANCELLED',
  'TILE_CHECKSUM_MISMATCH',
  'TILE_MISSING',
  'TILE_OVERLAP',
  'BLOB_CORRUPT',
  'DISK_FULL',
  'QUEUE_FULL',
]);

/** The user pressed Ctrl-C, or the system asked the process to end. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted (${signal})`);
    this.exitCode = signal === 'SIGINT' ? EXIT.interrupted : signal === 'SIGHUP' ? 129 : 143;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof InterruptedError) return error.exitCode;
  if (!(error instanceof FarmError)) return EXIT.bug;
  return RENDER_FAILURES.has(error.code) ? EXIT.renderFailed : EXIT.wrongUse;
}

/** One line for operating errors; the stack for bugs, since someone must be able to find them. */
export function reportError(error: unknown): void {
  if (error instanceof InterruptedError) return;
  if (error instanceof FarmError) process.stderr.write(`guian: ${oneLine(error.message)}\n`);
  else {
    const stack = error instanceof Error ? error.stack : String(error);
    process.stderr.write(`guian: this is a bug in Guian, please report it:\n${stack}\n`);
  }
}

/** Text from elsewhere (scene names, logs) neither breaks the line nor drives the terminal. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this replaces.
  return text.replace(/\s*\n\s*/g, ' | ').replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
