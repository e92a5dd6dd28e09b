/** Anything thrown while a tile was worked on → what its `failed` result says. */
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { AttemptFailure } from './render-task.js';

const MESSAGE_CHARS_MAX = 1_000;

/** @param output what the thread wrote lately. SCENE_… codes are permanent: the scene is the same on every node. */
export function attemptFailure(error: unknown, output = ''): AttemptFailure {
  const code = error instanceof FarmError ? error.code : 'RENDER_FAILED';
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return {
    code,
    message: messageOf(error).slice(0, MESSAGE_CHARS_MAX),
    logTail: `${output}${stack}`.slice(-LIMITS.logTailCharsMax),
    permanent: code.startsWith('SCENE_'),
  };
}
