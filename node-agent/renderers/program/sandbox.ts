/** Whether this machine can put programs behind walls, found by doing it: being installed says little in a container. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from './find-on-path.js';
import type { ProgramExit, Sandbox } from './program.js';
import { startProgram } from './start-program.js';

const MIB = 1024 * 1024;
const PROBE_MS_MAX = 10_000;
const DESCRIPTION_CHARS_MAX = 256;

/**
 * @returns `bubblewrap` when a program could be started in it now, else `none`; `description` is one line of at most 256
 *          characters, e.g. `bubblewrap 0.8.0` or `none: bubblewrap is not installed (apt-get install bubblewrap)`.
 */
export async function probeSandbox(): Promise<{ sandbox: Sandbox; description: string }> {
  const bwrap = findOnPath('bwrap');
  if (!bwrap) return none('bubblewrap is not installed (apt-get install bubblewrap)');
  const scratchFolder = await mkdtemp(join(tmpdir(), 'guian-probe-'));
  try {
    const asked = await run('none', bwrap, ['--version'], scratchFolder);
    const version = /bubblewrap (\S+)/.exec(asked.log)?.[1];
    if (!version) return none(`bubblewrap does not tell its version: ${whatHappened(asked)}`);
    const program = findOnPath('true');
    if (!program) return none('there is no program `true` to try bubblewrap with');
    const tried = await run('bubblewrap', program, [], scratchFolder);
    if (tried.exit.code === 0) return { sandbox: 'bubblewrap', description: `bubblewrap ${version}` };
    return none(
      `bubblewrap ${version} does not work here (${whatHappened(tried)}); allow user namespaces (man 7 user_namespaces)`,
    );
  } finally {
    await rm(scratchFolder, { recursive: true, force: true });
  }
}

interface Trial {
  readonly exit: ProgramExit;
  readonly log: string;
}

async function run(
  sandbox: Sandbox,
  executable: string,
  args: string[],
  scratchFolder: string,
): Promise<Trial> {
  const program = startProgram({
    executable,
    args,
    sandbox,
    readableFolders: [],
    scratchFolder,
    memoryBytesMax: 64 * MIB,
    fileBytesMax: MIB,
  });
  const timer = setTimeout(() => program.kill(), PROBE_MS_MAX);
  try {
    return { exit: await program.exited, log: program.logTail() };
  } finally {
    clearTimeout(timer);
  }
}

function none(reason: string): { sandbox: Sandbox; description: string } {
  return { sandbox: 'none', description: `none: ${reason}`.slice(0, DESCRIPTION_CHARS_MAX) };
}

/** In one line of at most 100 characters, so that the way out after it is never cut off. */
function whatHappened({ exit, log }: Trial): string {
  const line = exit.reason ?? log.trim().split('\n')[0];
  return (line || `exit ${exit.code ?? exit.signal}`).slice(0, 100);
}
