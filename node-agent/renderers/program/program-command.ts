/**
 * The command line that a program is started by: it dies with the thread that starts it (PR_SET_PDEATHSIG), leaves no
 * core, writes no huge file, and sees only what its sandbox shows. Each tool replaces itself by the next, so that the
 * process we start is the program or its sandbox, and no shell is between. A thread that ends in the ms before the program
 * is tied to it leaves it with a closed input, for whoever clears its scratch folder.
 */
import { mkdirSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { FarmError } from '#shared/errors.js';
import { bubblewrapArgs } from './bubblewrap-args.js';
import { findOnPath, whyNotExecutable } from './find-on-path.js';
import type { ProgramRequest } from './program.js';

/** Tells the processes of one program, also those that left its tree: `<scratch folder>#<run>`. */
export const MARK = 'GUIAN_PROGRAM';

/**
 * glibc takes the variant of sin, exp, pow and the like that suits the processor, and their last bits differ (measured
 * with 2.36): held to the one that every x86-64 has, nodes with different processors compute equal numbers.
 */
const MATHS = { GLIBC_TUNABLES: 'glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F' };

export interface ProgramCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Makes the scratch folder ready too.
 * @throws TOOL_MISSING; RENDERER_MISSING when the executable cannot be started; whatever the disk says.
 */
export function programCommand(request: ProgramRequest, run: string): ProgramCommand {
  const problem = whyNotExecutable(request.executable);
  if (problem) throw new FarmError('RENDERER_MISSING', problem, { executable: request.executable });
  const temporaryFolder = join(request.scratchFolder, 'tmp');
  mkdirSync(temporaryFolder, { recursive: true });
  const limits = [tool('prlimit'), '--core=0', `--fsize=${request.fileBytesMax}`, '--'];
  // bubblewrap forbids new privileges itself, and may have to be setuid where user namespaces are off.
  const tie =
    request.sandbox === 'none' ? ['--no-new-privs', '--pdeathsig', 'KILL'] : ['--pdeathsig', 'KILL'];
  return {
    file: tool('setpriv'),
    args: [...tie, '--', ...limits, ...walls(request, temporaryFolder), ...request.args],
    env: {
      ...request.env,
      ...MATHS,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: request.scratchFolder,
      TMPDIR: temporaryFolder,
      [MARK]: run,
    },
  };
}

function walls(request: ProgramRequest, temporaryFolder: string): string[] {
  const { executable, readableFolders, scratchFolder } = request;
  switch (request.sandbox) {
    case 'none':
      return [executable];
    case 'bubblewrap': {
      const resolved = realpathSync(executable);
      const devices = request.usesGpus ? gpuDevices() : [];
      const inside = { executable: resolved, readableFolders, devices, scratchFolder, temporaryFolder };
      return [tool('bwrap'), ...bubblewrapArgs(inside), resolved];
    }
    default:
      return request.sandbox satisfies never;
  }
}

/** Device files of NVIDIA's driver, and of AMD's and Intel's. */
function gpuDevices(): string[] {
  return readdirSync('/dev')
    .filter((name) => /^(nvidia.*|dri|kfd)$/.test(name))
    .map((name) => `/dev/${name}`);
}

const found = new Map<string, string>();
const PACKAGES = { setpriv: 'util-linux', prlimit: 'util-linux', bwrap: 'bubblewrap' };

function tool(name: keyof typeof PACKAGES): string {
  const path = found.get(name) ?? findOnPath(name);
  if (path === undefined)
    throw new FarmError('TOOL_MISSING', `${name} is not installed; apt-get install ${PACKAGES[name]}`, {
      name,
    });
  found.set(name, path);
  return path;
}
