/** Who asks: `user@host`, sent with every change, so that the farm's journal says who made it. */
import { hostname, userInfo } from 'node:os';

const ACTOR_CHARS_MAX = 128;

/** @param who  of this process; given in tests. */
export function actor(who: { user: () => string; host: () => string } = PROCESS): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this replaces.
  const name = `${who.user()}@${who.host()}`.replace(/[\u0000-\u0020\u007f-\u009f]/g, '-');
  return name.slice(0, ACTOR_CHARS_MAX);
}

const PROCESS = { user: userName, host: hostname };

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a line in /etc/passwd, as in a container: the id says who it was all the same.
    return process.env['USER'] || `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
