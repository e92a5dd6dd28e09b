/** Anything thrown while a tile was worked on → what its `failed` result says. */
import { errorCodeOf, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { AttemptFailure } from './render-task.js';

const MESSAGE_CHARS_MAX = 1_000;

/** @param output what the thread wrote lately. Of the scene and its pictures codes are permanent: they are the same on every node. */
export function attemptFailure(error: unknown, output = ''): AttemptFailure {
  const code = codeOf(error);
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return {
    code,
    message: messageOf(error).slice(0, MESSAGE_CHARS_MAX),
    logTail: `${output}${stack}`.slice(-LIMITS.logTailCharsMax),
    permanent: code.startsWith('SCENE_') || code === 'IMAGE_INVALID',
  };
}

function codeOf(error: unknown): string {
  const known = errorCodeOf(error);
  if (known !== undefined) return known;
  // V8's words for an array buffer that it cannot have; they are all that tells it from a wrong length.
  if (error instanceof RangeError && /allocation failed/i.test(error.message)) return 'TILE_MEMORY_LIMIT';
  return isHeapExhausted(error) ? 'TILE_MEMORY_LIMIT' : 'RENDER_FAILED';
}

/** The thread ended because its JS heap was full. */
export function isHeapExhausted(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
