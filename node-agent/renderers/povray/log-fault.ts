/** What POV-Ray wrote before it gave up → the farm's error for it. Its texts are those of 3.7. */
import { type ErrorCode, FarmError } from '#shared/errors.js';

const LINE_COLUMNS = 80;
const MESSAGE_CHARS_MAX = 500;

/** POV-Ray breaks its lines at 80 columns, inside of words too; a line that goes on starts with the space it broke at. */
export function unwrapped(log: string): string {
  let text = '';
  let isFull = false;
  for (const line of log.split('\n')) {
    text += line.startsWith(' ') || isFull ? line : `\n${line}`;
    isFull = line.length >= LINE_COLUMNS;
  }
  return text;
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly say: (match: RegExpExecArray) => string;
}

/** The first that fits counts. */
const RULES: readonly Rule[] = [
  {
    // Before all others: what it says is the scene's own text, whatever it sounds like.
    pattern: /Parse halted by #error directive: (.*)/,
    code: 'SCENE_INVALID',
    say: ([, reason]) => `the scene stops itself: ${reason}`,
  },
  {
    pattern: /std::bad_alloc|Out of memory/i,
    code: 'TILE_MEMORY_LIMIT',
    say: () => 'POV-Ray got no more memory',
  },
  {
    pattern: /(?:reading from|writing to) '(.*?)' is not permitted/,
    code: 'SCENE_PATH_ESCAPES',
    say: ([, path]) => `the scene uses ${path}, which is outside its package: put the file beside the scene`,
  },
  {
    pattern: /Cannot find file '(.*?)', even after trying to append file type extension/,
    code: 'SCENE_FILE_MISSING',
    say: ([, path]) =>
      `the scene needs ${path}, which is not in its package: add it; POV-Ray's own include files come with it (Debian: apt-get install povray-includes)`,
  },
  {
    pattern: /requires POV-Ray version (\S+) or later/,
    code: 'SCENE_UNSUPPORTED',
    say: ([, version]) => `the scene asks for POV-Ray ${version} or later: choose a node that has it`,
  },
  {
    pattern: /Possible Parse Error: (.*)\n+Fatal error in parser: Cannot access data in file/,
    code: 'SCENE_INVALID',
    say: ([, reason]) => `a file of the scene is damaged: ${reason}; save it again`,
  },
  {
    pattern: /File '(.*?)' line (\d+): Parse Error: (.*)/,
    code: 'SCENE_INVALID',
    say: ([, file, line, reason]) => `${file} line ${line}: ${reason}`,
  },
  {
    pattern: /(?:Parse Error|Fatal error in parser): (.*)/,
    code: 'SCENE_INVALID',
    say: ([, reason]) => `the scene cannot be read: ${reason}`,
  },
];

/** @param log  of a run that failed, unwrapped. @returns undefined when it says nothing of the scene. */
export function logFault(log: string): FarmError | undefined {
  for (const { pattern, code, say } of RULES) {
    const match = pattern.exec(log);
    if (match) return new FarmError(code, oneLine(say(match)));
  }
  return undefined;
}

/** The file that a run ended for, as the scene names it. @param log  unwrapped. */
export function missingFile(log: string): string | undefined {
  return /Cannot find file '(.*?)', even after/.exec(log)?.[1];
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, MESSAGE_CHARS_MAX);
